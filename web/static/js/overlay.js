/** What a panel draws on the map by itself: an area, its found features, or a sketch; each in a source of its own. */

import { EMPTY, fill } from "./picture.js";
import { addColoured } from "./theme.js";

const feature = (geometry, properties = {}) => ({ type: "Feature", properties, geometry });

/** A source that a panel fills, drawn by `layers` (without id and source): below the hints, or those with `top` on top of all. */
export function makeOverlay(map, id, layers) {
  map.addSource(id, { type: "geojson", data: EMPTY });
  layers.forEach(({ top = false, ...layer }, k) => addColoured(map, { ...layer, id: `${id}-${k}`, source: id }, top ? undefined : "hint-area"));
  fill(map, id, EMPTY);
  return {
    /** Draw [[geometry, properties]]; what has no geometry is left out. */
    draw(shapes) {
      fill(map, id, { type: "FeatureCollection", features: shapes.filter(([geometry]) => geometry).map(([geometry, properties]) => feature(geometry, properties)) });
    },
    clear() { fill(map, id, EMPTY); },
  };
}
