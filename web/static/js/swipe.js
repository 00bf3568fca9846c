/** Two maps side by side under one divider: two layers, or the same layers at two moments. */

import { ask } from "./api.js";
import { newMap } from "./canvas.js";
import { config, t } from "./config.js";
import { el, show } from "./dom.js";
import { drawMarks } from "./marks.js";
import { at } from "./moment.js";
import { failure, loading } from "./notice.js";

const STEP = 2; // per cent of the width, by a key
const WIDE = 10;
const APART_MS = 2_000; // between two looks at another moment, whatever changes meanwhile

/** `onChange` is called when it begins, ends, or the divider comes to rest. */
export function makeSwipe(root, { view, layers, workbench, onChange }) {
  const { map } = view;
  let other = null; // the map on the right
  let share = 50;
  let pane = null;

  const by = el("select", { id: "swipe-by" }, el("option", { value: "layers" }, t("swipe.by_layers")), el("option", { value: "moments" }, t("swipe.by_moments")));
  const left = el("select", { id: "swipe-left" });
  const right = el("select", { id: "swipe-right" });
  const moment = el("input", { type: "datetime-local", id: "swipe-moment" });
  const of = (node, text) => el("div", { class: "field" }, el("label", { for: node.id }, text), node);
  const [ofLeft, ofRight, ofMoment] = [of(left, t("swipe.left")), of(right, t("swipe.right")), of(moment, t("swipe.moment"))];
  const start = el("button", { type: "button", class: "plain", "aria-pressed": "false", id: "swipe-start", onclick: () => (other ? close() : open()) }, t("swipe.start"));
  const problem = el("div", { role: "alert" });
  root.append(of(by, t("swipe.by")), ofLeft, ofRight, ofMoment, el("p", { class: "hint" }, t("swipe.hint")), start, problem);

  const isByLayers = () => by.value === "layers";
  function offered() {
    ofLeft.hidden = ofRight.hidden = !isByLayers();
    ofMoment.hidden = isByLayers();
    for (const [node, k] of [[left, 0], [right, 1]]) {
      const before = node.value;
      const ids = workbench.order();
      show(node, ids.map((id) => el("option", { value: id }, layers.find(id).title)));
      if (ids.length) node.value = ids.includes(before) ? before : ids[Math.min(k, ids.length - 1)];
    }
  }

  /** The style of the right map: that of the left one, with the other layer or the other moment. */
  async function style() {
    const found = map.getStyle();
    const set = (id, visibility) => {
      for (const spec of found.layers.filter((one) => view.partsOf(id).includes(one.id))) spec.layout = { ...spec.layout, visibility };
    };
    if (isByLayers()) {
      if (left.value !== right.value) set(left.value, "none");
      set(right.value, "visible");
      return found;
    }
    if (!moment.value) throw new Error(t("swipe.no_moment"));
    const on = workbench.order().map(layers.find).filter((layer) => !layer.tiled);
    await Promise.all(on.map(async (layer) => {
      if (layer.tiles !== null) found.sources[layer.id].tiles = [layers.tiles(layer, moment.value)];
      else found.sources[layer.id].data = await ask(`layers/${layer.id}.geojson`, { lang: config.lang, at: moment.value });
    }));
    return found;
  }

  const hiddenLeft = () => (isByLayers() && left.value !== right.value ? right.value : null);
  let hidden = null; // the layer that the left map leaves to the right one
  function leave(id) {
    if (hidden && layers.find(hidden)) view.visible(layers.find(hidden), layers.isOn(hidden));
    hidden = id;
    if (hidden) view.visible(layers.find(hidden), false);
  }

  const divider = el("div", { class: "swipe-divider", role: "slider", tabindex: 0, "aria-label": t("swipe.divider"), "aria-valuemin": 0, "aria-valuemax": 100 }, el("span", { "aria-hidden": "true" }, "⇔"));
  const names = [el("span", { class: "swipe-name left" }), el("span", { class: "swipe-name right" })];
  function put(percent) {
    share = Math.max(0, Math.min(100, percent));
    divider.style.left = `${share}%`;
    divider.setAttribute("aria-valuenow", String(Math.round(share)));
    if (pane) pane.style.clipPath = `inset(0 0 0 ${share}%)`;
  }
  divider.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: share - STEP, ArrowRight: share + STEP, PageDown: share - WIDE, PageUp: share + WIDE, Home: 0, End: 100 }[event.key];
    if (event.key === "Escape") close();
    if (to === undefined) return;
    event.preventDefault();
    put(to);
    onChange();
  });
  divider.addEventListener("pointerup", () => onChange());
  divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = map.getContainer().getBoundingClientRect();
    put(((event.clientX - box.left) / box.width) * 100);
  });

  const follow = () => other?.jumpTo({ center: map.getCenter(), zoom: map.getZoom(), bearing: map.getBearing() });
  async function open({ focus = true } = {}) {
    show(problem, loading());
    start.disabled = true;
    try {
      // The left map shows its own layer only; the style for the right one is taken before that.
      const found = await style();
      leave(hiddenLeft());
      pane = el("div", { class: "swipe-pane", "aria-hidden": "true" });
      map.getContainer().after(pane, ...names, divider);
      other = newMap({ container: pane, style: found, center: map.getCenter(), zoom: map.getZoom(), interactive: false });
      drawMarks(other);
      view.lay({ map: other, covers: ({ x }) => x > (map.getContainer().clientWidth * share) / 100 });
      map.on("move", follow);
      put(share);
      named();
      start.textContent = t("swipe.stop");
      start.setAttribute("aria-pressed", "true");
      if (focus) divider.focus();
      show(problem);
      onChange();
    } catch (error) {
      show(problem, failure(error));
    }
    start.disabled = false;
  }
  function named() {
    names[0].textContent = isByLayers() ? layers.find(left.value)?.title ?? "" : at()?.replace("T", " ") ?? t("swipe.now");
    names[1].textContent = isByLayers() ? layers.find(right.value)?.title ?? "" : moment.value.replace("T", " ");
  }
  function close({ focus = true } = {}) {
    map.off("move", follow);
    view.lay(null);
    other?.remove();
    other = null;
    for (const node of [pane, divider, ...names]) node?.remove();
    pane = null;
    leave(null);
    start.textContent = t("swipe.start");
    start.setAttribute("aria-pressed", "false");
    if (focus) start.focus();
    onChange();
  }
  let asked = 0; // the newest question for another picture on the right
  async function again({ isAsked = true } = {}) {
    if (!other) return;
    const mine = asked += 1;
    if (isAsked && !isByLayers()) show(problem, loading()); // a moment that nobody asked for before is computed first
    try {
      leave(null);
      const found = await style();
      if (mine !== asked || !other) return;
      leave(hiddenLeft());
      other.setStyle(found);
      named();
      show(problem);
    } catch (error) {
      if (mine === asked) show(problem, failure(error));
    }
  }
  for (const node of [by, left, right, moment]) node.addEventListener("change", () => { offered(); again(); });
  workbench.onChange(() => { offered(); again(); });
  map.on("redrawn", () => again());
  // What is drawn on the left from now on is drawn on the right too.
  let late = 0;
  layers.onLoaded((id, collection) => {
    if (!other) return;
    if (isByLayers() && collection && other.getSource(id)?.type === "geojson") other.getSource(id).setData(collection);
    else late ||= setTimeout(() => { late = 0; again({ isAsked: false }); }, APART_MS);
  });
  layers.onDrawn(() => { if (hidden) view.visible(layers.find(hidden), false); });
  offered();
  return {
    /** As a view says it; null while there is none. */
    written() {
      if (!other) return null;
      return { ...(isByLayers() ? { left: left.value, right: right.value } : { at: moment.value }), share: Math.round(share) };
    },
    /** Show what a view says; without anything there is no divider. */
    async restore(wanted) {
      if (other) close({ focus: false });
      if (!wanted) return;
      by.value = wanted.at ? "moments" : "layers";
      offered();
      if (wanted.at) moment.value = wanted.at;
      else [left.value, right.value] = [wanted.left, wanted.right];
      share = wanted.share ?? 50;
      await open({ focus: false });
    },
  };
}
