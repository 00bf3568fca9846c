/** What the page itself draws on the map: GeoJSON sources whose layers are hidden while there is nothing in them. */

export const FONT = "'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";
export const EMPTY = { type: "FeatureCollection", features: [] };
const filled = new WeakMap(); // map -> of each source that was filled whether it holds something

/** Let a source hold these features. Every layer that is shown costs a pass over the whole picture, even an empty one. */
export function fill(map, id, collection) {
  if (!filled.has(map)) filled.set(map, new Map());
  const known = filled.get(map);
  const isEmpty = !collection.features.length;
  if (isEmpty && known.get(id) === false) return;
  map.getSource(id).setData(collection);
  if (known.get(id) === !isEmpty) return;
  known.set(id, !isEmpty);
  for (const layer of map.getLayersOrder()) {
    if (map.getLayer(layer).source === id) map.setLayoutProperty(layer, "visibility", isEmpty ? "none" : "visible");
  }
}

/** A layer of lines with round ends. */
export const line = (id, source, paint, filter) => ({
  id, source, type: "line", layout: { "line-cap": "round", "line-join": "round" }, paint, ...(filter ? { filter } : {}),
});

let software;
/** Whether maps are drawn by the processor: then no frame is drawn for its looks alone. */
export function isSoftware() {
  if (software !== undefined) return software;
  const gl = document.createElement("canvas").getContext("webgl2");
  const told = gl?.getExtension("WEBGL_debug_renderer_info");
  software = Boolean(told) && /swiftshader|llvmpipe|software|basic render/i.test(gl.getParameter(told.UNMASKED_RENDERER_WEBGL));
  return software;
}

/** Do something once what was done before is on the screen. */
export function afterPaint(act) {
  requestAnimationFrame(() => setTimeout(act));
}

/**
 * Where the processor draws, a frame of the map takes longer than a hand should wait, and a mere click makes the map draw.
 * Let all else that changed be on the screen first.
 */
export function drawLast(map) {
  if (!isSoftware()) return;
  const draw = map.triggerRepaint.bind(map);
  let waits = false;
  map.triggerRepaint = () => {
    if (waits) return;
    waits = true;
    afterPaint(() => {
      waits = false;
      draw();
    });
  };
}
