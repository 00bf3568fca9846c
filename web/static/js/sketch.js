/** A point, line or area drawn on the map corner by corner; it survives a reload until it is cleared. */

import { makeOverlay } from "./overlay.js";

const LEAST = { Point: 1, LineString: 2, Polygon: 3 };

/** `onChange` is told after every step. The drawing is kept in the browser under `key`. */
export function makeSketch(view, key, onChange) {
  let type = "LineString";
  let points = [];
  let isDrawing = false;
  const overlay = makeOverlay(view.map, key, [
    { type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": "#c4001a", "fill-opacity": 0.18 } },
    { type: "line", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": "#c4001a", "line-width": 5, "line-dasharray": [1.5, 0.8] } },
    { top: true, type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 6, "circle-color": "#ffffff", "circle-stroke-color": "#c4001a", "circle-stroke-width": 3 } },
  ]);

  const isComplete = () => points.length >= LEAST[type];
  const geometry = () => {
    if (!isComplete()) return null;
    if (type === "Point") return { type, coordinates: points[0] };
    return { type, coordinates: type === "Polygon" ? [[...points, points[0]]] : points };
  };

  function paint() {
    const line = points.length > 1 ? { type: "LineString", coordinates: points } : null;
    overlay.draw([[type === "Polygon" || type === "LineString" ? geometry() ?? line : null], ...points.map((xy) => [{ type: "Point", coordinates: xy }])]);
  }

  function changed() {
    if (points.length) localStorage.setItem(key, JSON.stringify({ type, points }));
    else localStorage.removeItem(key);
    paint();
    onChange();
  }

  function add(xy) {
    points = type === "Point" ? [xy] : [...points, xy];
    changed();
  }

  const sketch = {
    geometry,
    isDrawing: () => isDrawing,
    count: () => points.length,
    missing: () => Math.max(0, LEAST[type] - points.length),
    type: () => type,
    /** Draw as another kind; the corners stay. */
    as(next) {
      type = next;
      if (type === "Point") points = points.slice(-1);
      changed();
    },
    start() {
      isDrawing = true;
      view.take(add);
      onChange();
    },
    stop() {
      isDrawing = false;
      view.take(null);
      onChange();
    },
    back() {
      points = points.slice(0, -1);
      changed();
    },
    clear() {
      points = [];
      changed();
    },
    show: paint,
    hide: overlay.clear,
  };
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "null");
    if (kept && kept.type in LEAST && Array.isArray(kept.points)) ({ type, points } = kept);
  } catch {
    localStorage.removeItem(key); // of an older version, or cut off
  }
  return sketch;
}
