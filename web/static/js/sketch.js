/** A point, line or area that is made corner by corner on the map: by clicks, or by Enter at the middle of the map. */

const EMPTY = { type: "FeatureCollection", features: [] };
const DASHES = [2, 1.5];

/** `id` names the source; `onChange` gets the corners after each change, `onLost` is called when another takes the clicks. */
export function makeSketch(view, id, color, { onChange, onLost }) {
  const { map } = view;
  let corners = [];
  let shape = "line";
  let isOn = false;
  map.addSource(id, { type: "geojson", data: EMPTY });
  map.addLayer({ id: `${id}-fill`, type: "fill", source: id, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": color, "fill-opacity": 0.15 } });
  map.addLayer({ id: `${id}-line`, type: "line", source: id, filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": color, "line-width": 2.5, "line-dasharray": DASHES } });
  map.addLayer({ id: `${id}-corner`, type: "circle", source: id, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 4.5, "circle-color": "#ffffff", "circle-stroke-color": color, "circle-stroke-width": 2.5 } });

  function draw() {
    const features = corners.map((xy) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: xy } }));
    const geometry = outline();
    if (geometry && geometry.type !== "Point") features.unshift({ type: "Feature", properties: {}, geometry });
    map.getSource(id).setData({ type: "FeatureCollection", features });
  }
  /** What there is so far, as a geometry; null before the first corner. */
  function outline() {
    if (!corners.length) return null;
    if (shape === "point" || corners.length === 1) return { type: "Point", coordinates: corners[0] };
    if (shape === "area" && corners.length > 2) return { type: "Polygon", coordinates: [[...corners, corners[0]]] };
    return { type: "LineString", coordinates: corners };
  }
  function set(found) {
    corners = found;
    draw();
    onChange([...corners]);
  }
  const take = (xy) => set(shape === "point" ? [xy] : [...corners, xy]);
  const sketch = {
    start(newShape) {
      shape = newShape;
      if (!isOn) view.takeClicks(take, () => { isOn = false; onLost(); });
      isOn = true;
      set([]);
    },
    stop() {
      isOn = false;
      view.giveClicksBack(take);
    },
    /** A corner at the middle of the map, for who has no mouse. */
    addMiddle() { const { lng, lat } = map.getCenter(); take([lng, lat]); },
    undo() { set(corners.slice(0, -1)); },
    clear() { set([]); },
    outline,
    corners: () => [...corners],
    isComplete: () => corners.length >= { point: 1, line: 2, area: 3 }[shape],
    isOn: () => isOn,
    shape: () => shape,
  };
  return sketch;
}
