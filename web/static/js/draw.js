/** Points, lines and areas drawn by hand, each with a label; kept in this browser until they are deleted. */

import { config, t } from "./config.js";
import { el, show } from "./dom.js";
import { keep, kept } from "./kept.js";
import { EMPTY, fill, line } from "./picture.js";
import { makeSketch } from "./sketch.js";
import { addColoured } from "./theme.js";

const COLOR = "var(--drawn)";
const MAX_LABEL = 80;
const KIND = { Point: "point", LineString: "line", Polygon: "area" };

export function makeDraw(root, { view, onChange }) {
  const { map } = view;
  const key = `onemap.drawing.${config.district}`;
  const ofView = `${key}.view`; // what the last view drew, as it came
  const aside = `${key}.aside`; // what was drawn here before a view took its place
  let drawn = read(key); // [{label, geometry}]
  map.addSource("drawing", { type: "geojson", data: EMPTY });
  addColoured(map, { id: "drawing-fill", type: "fill", source: "drawing", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": COLOR, "fill-opacity": 0.18 } });
  addColoured(map, line("drawing-line", "drawing", { "line-color": COLOR, "line-width": 3 }, ["!=", ["geometry-type"], "Point"]));
  addColoured(map, { id: "drawing-point", type: "circle", source: "drawing", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 7, "circle-color": COLOR, "circle-stroke-color": "var(--halo)", "circle-stroke-width": 2 } });
  addColoured(map, {
    id: "drawing-label", type: "symbol", source: "drawing",
    layout: { "text-field": ["get", "label"], "text-size": 14, "text-offset": [0, 1.1], "text-anchor": "top", "text-allow-overlap": true, "text-max-width": 12 },
    paint: { "text-color": "var(--drawn-name)", "text-halo-color": "var(--halo)", "text-halo-width": 2 },
  });

  const sketch = makeSketch(view, `onemap.sketch.${config.district}`, COLOR, { onChange: sketched, onLost: marked, isKept: true });
  const label = el("input", { type: "text", id: "draw-label", maxlength: MAX_LABEL, placeholder: t("draw.label_hint") });
  const begin = (shape) => el("button", { type: "button", class: "plain", "aria-pressed": "false", "data-shape": shape, onclick: () => toggle(shape) }, t(`draw.${shape}`));
  const starts = ["point", "line", "area"].map(begin);
  const finish = el("button", { type: "button", class: "plain", disabled: true, id: "draw-finish", onclick: add }, t("draw.finish"));
  const steps = el(
    "div", { class: "actions", hidden: true },
    el("button", { type: "button", class: "plain", onclick: sketch.addMiddle }, t("sketch.middle")),
    el("button", { type: "button", class: "plain", onclick: sketch.undo }, t("sketch.undo")),
    finish,
  );
  const list = el("ul", { class: "drawn", "aria-label": t("draw.list") });
  const out = el("p", {});
  const said = el("p", { class: "hint", role: "status" });
  const before = el("div", { role: "status", id: "draw-before" });
  root.append(
    el("div", { class: "actions" }, starts), el("p", { class: "hint" }, t("draw.hint")),
    el("div", { class: "field" }, el("label", { for: label.id }, t("draw.label")), label), steps, said, before, list, out,
  );
  label.addEventListener("keydown", (event) => { if (event.key === "Enter" && !finish.disabled) add(); });

  function marked() {
    for (const button of starts) button.setAttribute("aria-pressed", String(sketch.isOn() && sketch.shape() === button.dataset.shape));
    steps.hidden = !sketch.isOn() && !sketch.corners().length;
  }
  function toggle(shape) {
    if (sketch.isOn() && sketch.shape() === shape) {
      sketch.stop();
      sketch.clear();
    } else sketch.start(sketch.corners().length && sketch.shape() === shape ? undefined : shape); // what a reload cut off goes on
    said.textContent = "";
    marked();
  }
  function sketched() {
    finish.disabled = !sketch.isComplete();
  }
  function add() {
    drawn = [...drawn, { label: label.value.trim(), geometry: rounded(sketch.outline()) }];
    label.value = "";
    sketch.clear();
    changed();
    said.textContent = t("draw.added", { n: drawn.length });
  }
  function changed() {
    if (!keep(key, JSON.stringify(drawn))) said.textContent = t("draw.not_kept");
    redraw();
    onChange();
  }
  function redraw() {
    fill(map, "drawing", collection());
    show(list, drawn.map((one, k) => el(
      "li", { class: "line" },
      el("span", { class: "kind" }, t(`draw.${KIND[one.geometry.type]}`)),
      el("input", { type: "text", class: "grow", maxlength: MAX_LABEL, value: one.label, "aria-label": t("draw.label_of", { n: k + 1 }), onchange: (event) => { one.label = event.target.value.trim(); changed(); } }),
      el("button", { type: "button", class: "small", "aria-label": t("draw.remove", { name: one.label || k + 1 }), onclick: () => { drawn = drawn.filter((other) => other !== one); changed(); } }, "✕"),
    )));
    const file = `data:application/geo+json,${encodeURIComponent(JSON.stringify(collection()))}`;
    const own = read(aside);
    show(before, own.length ? el("p", { class: "warn-box" }, t("draw.aside", { n: own.length }), " ", el("button", { type: "button", id: "draw-back", onclick: () => { drawn = own; keep(aside, null); changed(); } }, t("draw.back"))) : null);
    show(out, drawn.length ? el("a", { href: file, download: "drawing.geojson", id: "draw-out" }, t("draw.out")) : null);
  }
  function collection() {
    return { type: "FeatureCollection", features: drawn.map((one) => ({ type: "Feature", properties: { label: one.label }, geometry: one.geometry })) };
  }
  function read(name) {
    try {
      const found = JSON.parse(kept(name));
      return Array.isArray(found) ? found.filter((one) => one?.geometry?.type in KIND).map(({ label: text, geometry }) => ({ label: String(text ?? ""), geometry })) : [];
    } catch {
      return [];
    }
  }
  redraw();
  if (sketch.corners().length) {
    sketch.show();
    sketched();
    marked();
    said.textContent = t("draw.unfinished", { shape: t(`draw.${sketch.shape()}`) });
    root.closest("details")?.setAttribute("open", "");
  }
  return {
    drawing: () => drawn,
    /** Show what a view has drawn, in place of what is there; what was drawn here by hand is kept aside. */
    restore(found) {
      const mine = JSON.stringify(drawn);
      drawn = found.map(({ label: text = "", geometry }) => ({ label: text, geometry }));
      const asked = JSON.stringify(drawn);
      if (mine !== "[]" && ![asked, kept(ofView)].includes(mine)) keep(aside, mine);
      if (kept(aside)) root.closest("details")?.setAttribute("open", "");
      keep(ofView, asked);
      changed();
    },
  };
}

/** To a decimetre or so: seven digits of a degree. */
function rounded(geometry) {
  const round = (value) => (Array.isArray(value) ? value.map(round) : Number(value.toFixed(7)));
  return { type: geometry.type, coordinates: round(geometry.coordinates) };
}
