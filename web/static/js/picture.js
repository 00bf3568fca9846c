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
  const isFirst = !known.has(id);
  known.set(id, !isEmpty);
  const turn = () => {
    for (const layer of map.getLayersOrder()) {
      if (map.getLayer(layer).source === id) map.setLayoutProperty(layer, "visibility", known.get(id) ? "visible" : "none");
    }
  };
  // The panel that a hand opened is on the screen before the map is drawn anew.
  if (isFirst) turn();
  else afterPaint(turn);
}

/** A layer of lines with round ends. */
export const line = (id, source, paint, filter) => ({
  id, source, type: "line", layout: { "line-cap": "round", "line-join": "round" }, paint, ...(filter ? { filter } : {}),
});

/** Whether the picture is drawn by the processor: then no frame is drawn for its looks alone. */
export function isSoftware(canvas) {
  const gl = canvas.getContext("webgl2");
  const told = gl?.getExtension("WEBGL_debug_renderer_info");
  return Boolean(told) && /swiftshader|llvmpipe|software|basic render/i.test(gl.getParameter(told.UNMASKED_RENDERER_WEBGL));
}

/** Do something once what was done before is on the screen. */
export function afterPaint(act) {
  requestAnimationFrame(() => setTimeout(act));
}
