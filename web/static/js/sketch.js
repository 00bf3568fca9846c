/** A point, line or area that is made corner by corner on the map: by clicks, or by Enter at the middle of the map. */

import { makeOverlay } from "./overlay.js";

const LEAST = { point: 1, line: 2, area: 3 };

/**
 * `id` names the source; `onChange` gets the corners after each change, `onLost` is called when another takes the clicks.
 * With `isKept` the browser keeps the corners until they are cleared.
 */
export function makeSketch(view, id, color, { onChange, onLost, isKept = false, width = 2.5 }) {
  let corners = [];
  let shape = "line";
  let isOn = false;
  const overlay = makeOverlay(view.map, id, [
    { top: true, type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": color, "fill-opacity": 0.16 } },
    { top: true, type: "line", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": color, "line-width": width, "line-dasharray": [2, 1.2] } },
    { top: true, type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 5, "circle-color": "var(--halo)", "circle-stroke-color": color, "circle-stroke-width": 2.5 } },
  ]);

  const isComplete = () => corners.length >= LEAST[shape];
  /** What there is so far, as a geometry; null before the first corner. */
  function outline() {
    if (!corners.length) return null;
    if (shape === "point" || corners.length === 1) return { type: "Point", coordinates: corners[0] };
    if (shape === "area" && isComplete()) return { type: "Polygon", coordinates: [[...corners, corners[0]]] };
    return { type: "LineString", coordinates: corners };
  }
  const paint = () => overlay.draw([[corners.length > 1 ? outline() : null], ...corners.map((xy) => [{ type: "Point", coordinates: xy }])]);
  function set(found) {
    corners = found;
    if (isKept && corners.length) localStorage.setItem(id, JSON.stringify({ shape, corners }));
    else if (isKept) localStorage.removeItem(id);
    paint();
    onChange([...corners]);
  }
  const take = (xy) => set(shape === "point" ? [xy] : [...corners, xy]);

  if (isKept) {
    try {
      const found = JSON.parse(localStorage.getItem(id) ?? "null");
      if (found && found.shape in LEAST && Array.isArray(found.corners)) ({ shape, corners } = found);
    } catch {
      localStorage.removeItem(id); // of an older version, or cut off
    }
  }
  return {
    /** Take the clicks; a named shape begins anew. */
    start(newShape) {
      if (!isOn) view.takeClicks(take, () => { isOn = false; onLost(); });
      isOn = true;
      if (newShape) shape = newShape;
      set(newShape ? [] : corners);
    },
    stop() {
      isOn = false;
      view.giveClicksBack(take);
    },
    /** Go on as another shape; the corners stay. */
    as(newShape) {
      shape = newShape;
      set(shape === "point" ? corners.slice(-1) : corners);
    },
    /** A corner at the middle of the map, for who has no mouse. */
    addMiddle() { const { lng, lat } = view.map.getCenter(); take([lng, lat]); },
    undo() { set(corners.slice(0, -1)); },
    clear() { set([]); },
    show: paint,
    hide: overlay.clear,
    outline,
    corners: () => [...corners],
    missing: () => Math.max(0, LEAST[shape] - corners.length),
    isComplete,
    isOn: () => isOn,
    shape: () => shape,
  };
}
