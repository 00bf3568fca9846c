/** What a panel draws on the map by itself: an area, its found features, or a sketch; each in a source of its own. */

const EMPTY = { type: "FeatureCollection", features: [] };
const feature = (geometry, properties = {}) => ({ type: "Feature", properties, geometry });

/** A source that a panel fills, drawn by `layers` (without id and source); below `before`, null for on top of all. */
export function makeOverlay(map, id, layers, before = "hint-area") {
  map.addSource(id, { type: "geojson", data: EMPTY });
  layers.forEach(({ top = false, ...layer }, k) => map.addLayer({ ...layer, id: `${id}-${k}`, source: id }, top || !before ? undefined : before));
  return {
    /** Draw [[geometry, properties]]; what has no geometry is left out. */
    draw(shapes) {
      map.getSource(id).setData({ type: "FeatureCollection", features: shapes.filter(([geometry]) => geometry).map(([geometry, properties]) => feature(geometry, properties)) });
    },
    clear() { map.getSource(id).setData(EMPTY); },
  };
}

/** The corners of a geometry as one list. */
export const corners = ({ type, coordinates }) => (type === "Point" ? [coordinates] : coordinates.flat(Math.max(0, { LineString: 0, MultiPoint: 0, Polygon: 1, MultiLineString: 1, MultiPolygon: 2 }[type])));

/** Show all of a geometry. */
export function fit(map, geometry, { maxZoom = 15 } = {}) {
  const { LngLatBounds } = window.maplibregl;
  const points = corners(geometry);
  map.fitBounds(points.reduce((box, xy) => box.extend(xy), new LngLatBounds(points[0], points[0])), { padding: 40, maxZoom, duration: 600 });
}
