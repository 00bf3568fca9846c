/** Measuring on the map; the server computes on the ellipsoid. */

import { ask, newest } from "./api.js";
import { t } from "./config.js";
import { el, show } from "./dom.js";
import { count, metres, quantity } from "./format.js";
import { failure } from "./notice.js";
import { makeSketch } from "./sketch.js";

const MOST = 200; // as the server says

/** An area in the unit that fits, with square metres beside it. */
export function area(m2) {
  const exact = `${count(m2)} m²`;
  return m2 < 10_000 ? exact : `${m2 < 1e6 ? t("measure.ha", { n: quantity(m2 / 1e4) }) : `${quantity(m2 / 1e6)} km²`} (${exact})`;
}

export function makeMeasure(root, { view }) {
  const result = el("div", { class: "measured", role: "status" });
  const sketch = makeSketch(view, "measure", "var(--measured)", { onChange: measured, onLost: marked });
  const begin = (shape) => el("button", { type: "button", class: "plain", "aria-pressed": "false", "data-shape": shape, onclick: () => toggle(shape) }, t(`measure.${shape}`));
  const starts = [begin("line"), begin("area")];
  const steps = el(
    "div", { class: "actions", hidden: true },
    el("button", { type: "button", class: "plain", onclick: sketch.addMiddle }, t("sketch.middle")),
    el("button", { type: "button", class: "plain", onclick: sketch.undo }, t("sketch.undo")),
    el("button", { type: "button", class: "plain", onclick: () => { sketch.clear(); sketch.stop(); marked(); } }, t("sketch.clear")),
  );
  root.append(el("div", { class: "actions" }, starts), el("p", { class: "hint" }, t("measure.hint")), steps, result);

  function marked() {
    for (const button of starts) button.setAttribute("aria-pressed", String(sketch.isOn() && sketch.shape() === button.dataset.shape));
    steps.hidden = !sketch.isOn();
  }
  function toggle(shape) {
    if (sketch.isOn() && sketch.shape() === shape) sketch.stop();
    else sketch.start(shape);
    marked();
  }

  const question = newest((signal, point, shape) => ask("measure", { point, shape }, { signal }));
  async function measured(corners) {
    if (!sketch.isComplete()) return show(result);
    if (corners.length > MOST) return show(result, el("p", { class: "warn-box" }, t("measure.most", { n: MOST })));
    try {
      const found = await question(corners.map((xy) => xy.map((degree) => degree.toFixed(8)).join(",")), sketch.shape());
      if (!found || !sketch.isComplete()) return undefined;
      show(
        result,
        found.area_m2 === null ? null : el("p", {}, t("measure.is_area"), " ", el("strong", { id: "measured-area" }, area(found.area_m2))),
        el("p", {}, t(found.area_m2 === null ? "measure.is_length" : "measure.is_outline"), " ", el("strong", { id: "measured-length" }, length(found.length_m))),
        found.legs_m.length > 1 ? el("p", { class: "hint" }, t("measure.legs", { legs: found.legs_m.map((leg) => metres(leg)).join(" + ") })) : null,
        el("p", { class: "hint" }, t("measure.source", { ellipsoid: found.ellipsoid })),
      );
    } catch (error) {
      show(result, failure(error, () => measured(sketch.corners())));
    }
    return undefined;
  }
}

const length = (m) => (m < 1000 ? `${quantity(m)} m` : `${quantity(m / 1000)} km (${count(m)} m)`);
