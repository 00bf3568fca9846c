/** What the page itself draws on the map: GeoJSON sources whose layers are hidden while there is nothing in them. */

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
