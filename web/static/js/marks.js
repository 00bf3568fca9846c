/** The marks of the legend: as SVG in lists, as images on the map. A new mark needs no new code. */

import { svg } from "./dom.js";
import { resolved } from "./theme.js";

const POINTS = {
  square: [[2, 2], [14, 2], [14, 14], [2, 14]],
  triangle: [[8, 1], [15, 14], [1, 14]],
  diamond: [[8, 0.5], [15.5, 8], [8, 15.5], [0.5, 8]],
  pentagon: [[8, 0.8], [15.4, 6.2], [12.6, 15], [3.4, 15], [0.6, 6.2]],
  truck: [[0.5, 3], [9.5, 3], [9.5, 6], [13, 6], [15.5, 9], [15.5, 12.5], [14, 12.5], [14, 15], [11, 15], [11, 12.5], [5, 12.5], [5, 15], [2, 15], [2, 12.5], [0.5, 12.5]],
  star: [[8, 0.5], [10, 5.6], [15.6, 5.8], [11.3, 9.4], [12.8, 15], [8, 11.8], [3.2, 15], [4.7, 9.4], [0.4, 5.8], [6, 5.6]],
  cross: [[5.5, 1], [10.5, 1], [10.5, 5.5], [15, 5.5], [15, 10.5], [10.5, 10.5], [10.5, 15], [5.5, 15], [5.5, 10.5], [1, 10.5], [1, 5.5], [5.5, 5.5]],
};

/** Points that are not to be trusted: hatched squares. */
const HATCHED = "hatched";

const HATCHES = {
  "hatch-up": "M1 8L8 1M1 15L15 1M8 15L15 8",
  "hatch-down": "M1 8L8 15M1 1L15 15M8 1L15 8",
  "hatch-cross": "M1 8L8 1M1 15L15 1M8 15L15 8M1 8L8 15M1 1L15 15M8 1L15 8", // of what is stale
};
/** A ring of ties around a point that is stale. */
const RING = "stale-ring";

/** A mark as a small picture for the legend; that of a stale layer is hatched. */
export function markPicture({ shape, color, size = 10, opacity = 1, isHatched = false }) {
  // A line is too thin for the light edge of the hatch.
  const over = ["stale-under", "stale-hatch"].slice(isHatched ? Number(shape === "line" || shape === "dash") : 2);
  const frame = (...inner) => svg(
    "svg", { class: "mark", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, ...inner,
    over.map((name) => svg("path", { class: name, d: HATCHES["hatch-up"], fill: "none" })),
  );
  if (shape === "fill") return frame(svg("rect", { x: 1, y: 1, width: 14, height: 14, fill: color, "fill-opacity": Math.max(opacity, 0.15), stroke: color, "stroke-opacity": 0.7 }));
  if (shape === "line" || shape === "dash") {
    return frame(svg("path", { d: "M0 8H16", stroke: color, "stroke-width": Math.min(5, Math.max(1.5, size)), "stroke-dasharray": shape === "dash" ? "4 2" : null }));
  }
  if (shape in HATCHES) {
    return frame(
      svg("rect", { x: 1, y: 1, width: 14, height: 14, fill: "none", stroke: color, "stroke-opacity": 0.7 }),
      svg("path", { d: HATCHES[shape], stroke: color, "stroke-width": 1.3, fill: "none" }),
    );
  }
  const outline = { fill: color, stroke: "var(--mark-edge)", "stroke-width": 0.8 };
  if (shape === HATCHED) {
    return frame(
      svg("rect", { x: 1.5, y: 1.5, width: 13, height: 13, fill: "var(--mark-halo)", stroke: color, "stroke-width": 1.6 }),
      svg("path", { d: "M2 9L9 2M2 14L14 2M7 14L14 7", stroke: color, "stroke-width": 1.8, fill: "none" }),
    );
  }
  if (!(shape in POINTS)) return frame(svg("circle", { cx: 8, cy: 8, r: 6.5, ...outline }));
  return frame(svg("polygon", { points: POINTS[shape].map((xy) => xy.join(",")).join(" "), ...outline }));
}

/** Draw the image that the map style asks for by the name mark:SHAPE:COLOUR:SIZE. */
function markImage(name) {
  const [, shape, color, size] = name.split(":");
  if (shape in HATCHES) return hatchImage(shape, color);
  if (shape === RING) return ringImage(color, Number(size));
  const isHatched = shape === HATCHED;
  const ratio = 2;
  const px = Math.max(8, Number(size) || 10) * 1.4;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil((px + 4) * ratio);
  const pen = canvas.getContext("2d");
  const scale = (px * ratio) / 16;
  pen.translate(2 * ratio, 2 * ratio);
  pen.beginPath();
  const corners = POINTS[isHatched ? "square" : shape];
  if (corners) corners.forEach(([x, y], k) => (k ? pen.lineTo(x * scale, y * scale) : pen.moveTo(x * scale, y * scale)));
  else pen.arc(8 * scale, 8 * scale, 6.5 * scale, 0, 2 * Math.PI);
  pen.closePath();
  pen.lineJoin = "round";
  pen.lineWidth = 2.6 * ratio;
  pen.strokeStyle = resolved("var(--mark-halo)");
  pen.stroke();
  pen.fillStyle = isHatched ? resolved("var(--mark-halo)") : color;
  pen.fill();
  if (isHatched) {
    pen.save();
    pen.clip();
    pen.beginPath();
    for (let at = -12; at <= 16; at += 5) {
      pen.moveTo(at * scale, 16 * scale);
      pen.lineTo((at + 16) * scale, 0);
    }
    pen.lineWidth = 1.7 * ratio;
    pen.strokeStyle = color;
    pen.stroke();
    pen.restore();
    pen.beginPath();
    corners.forEach(([x, y], k) => (k ? pen.lineTo(x * scale, y * scale) : pen.moveTo(x * scale, y * scale)));
    pen.closePath();
  }
  pen.lineWidth = 0.8 * ratio;
  pen.strokeStyle = resolved("var(--mark-outline)");
  pen.stroke();
  return { data: pen.getImageData(0, 0, canvas.width, canvas.height), pixelRatio: ratio };
}

/** A tile of parallel lines that fits its neighbours on all sides. */
function hatchImage(shape, color) {
  const side = 16;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d");
  pen.strokeStyle = color;
  pen.lineWidth = 1.6;
  pen.beginPath();
  for (const shift of [-side, 0, side]) {
    if (shape !== "hatch-down") { pen.moveTo(shift - 2, side + 2); pen.lineTo(shift + side + 2, -2); }
    if (shape !== "hatch-up") { pen.moveTo(shift - 2, -2); pen.lineTo(shift + side + 2, side + 2); }
  }
  pen.stroke();
  return { data: pen.getImageData(0, 0, side, side), pixelRatio: 2 };
}

/** Ties around a circle, so that a mark under it stays in view. */
function ringImage(color, size) {
  const ratio = 2;
  const side = Math.ceil((size + 6) * ratio);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d");
  pen.translate(side / 2, side / 2);
  for (const [width, ink] of [[4.5, resolved("var(--halo)")], [2.2, color]]) {
    pen.lineWidth = width * ratio;
    pen.strokeStyle = ink;
    pen.beginPath();
    for (let k = 0; k < 12; k += 1) {
      const [x, y] = [Math.cos((k * Math.PI) / 6), Math.sin((k * Math.PI) / 6)];
      pen.moveTo((x * size * ratio) / 2.7, (y * size * ratio) / 2.7);
      pen.lineTo((x * size * ratio) / 1.95, (y * size * ratio) / 1.95);
    }
    pen.stroke();
  }
  return { data: pen.getImageData(0, 0, side, side), pixelRatio: ratio };
}

/** Have a map draw the marks that its style asks for. */
export function drawMarks(map) {
  map.on("styleimagemissing", ({ id }) => {
    if (!id.startsWith("mark:") || map.hasImage(id)) return;
    const image = markImage(id);
    map.addImage(id, image.data, { pixelRatio: image.pixelRatio });
  });
}
