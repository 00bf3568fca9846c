/** The layers that are on: their order, how faint they are, what is filtered out, by which field they are styled. */

import { ask, newest } from "./api.js";
import { config, t } from "./config.js";
import { el, show } from "./dom.js";
import { makeFilters } from "./filters.js";
import { count } from "./format.js";
import { markPicture } from "./marks.js";
import { at } from "./moment.js";
import { failure } from "./notice.js";
import { theme } from "./theme.js";

const PAUSE_MS = 250;
const RANK = { polygon: 0, line: 1, point: 2 };
const [FEWEST, MOST, USUAL] = [2, 9, 5];

export function makeWorkbench(root, { view, layers }) {
  const asked = new Map(); // id -> {opacity, filters, style}, kept while the page is open
  const cards = new Map(); // id -> {node, renew}
  const watchers = [];
  let order = []; // ids that are on, the first on top
  let isArranged = false; // somebody changed the order

  const list = el("ul", { class: "bench", "aria-label": t("bench.layers") });
  const said = el("p", { class: "hint", role: "status" });
  root.append(said, list);

  const state = (id) => {
    if (!asked.has(id)) asked.set(id, { opacity: 1, filters: [], style: null });
    return asked.get(id);
  };
  const isPlain = ({ filters, style }) => !filters.length && !style;
  const changed = () => { for (const watcher of watchers) watcher(); };

  /** What a view says of a layer; what is as declared is left out. */
  function written(id) {
    const { opacity, filters, style } = state(id);
    return { id, ...(opacity === 1 ? {} : { opacity }), ...(filters.length ? { filters } : {}), ...(style ? { style } : {}) };
  }

  /** As the map draws them: points over lines over areas, in each the later over the earlier. */
  function declaredOrder(ids) {
    const place = new Map(layers.all().map((layer, k) => [layer.id, [RANK[layer.geometry], k]]));
    return [...ids].sort((a, b) => place.get(b)[0] - place.get(a)[0] || place.get(b)[1] - place.get(a)[1]);
  }

  function sync() {
    const on = layers.all().filter((layer) => layers.isOn(layer.id)).map((layer) => layer.id);
    const before = order;
    if (isArranged) order = [...declaredOrder(on.filter((id) => !order.includes(id))), ...order.filter((id) => on.includes(id))];
    else order = declaredOrder(on);
    for (const id of order) if (cards.get(id)?.mayDiffer()) cards.get(id).renew();
    if (before.join() === order.join()) return;
    if (isArranged) view.arrange(order);
    draw();
    changed();
  }

  function draw() {
    said.textContent = order.length ? t("bench.on", { n: order.length }) : t("bench.none");
    for (const id of order) if (!cards.has(id)) cards.set(id, card(layers.find(id)));
    show(list, order.map((id) => cards.get(id).node));
    order.forEach((id, k) => cards.get(id).place(k, order.length));
  }

  function move(id, to) {
    const from = order.indexOf(id);
    const end = Math.max(0, Math.min(order.length - 1, to));
    if (end === from) return;
    order.splice(from, 1);
    order.splice(end, 0, id);
    isArranged = true;
    view.arrange(order);
    draw();
    changed();
  }

  function card(layer) {
    const id = layer.id;
    const mine = state(id);
    const problem = el("div", { role: "alert" });
    const told = el("p", { class: "facts" });
    const legend = el("ul", { class: "legend counted" });
    const editor = el("div", { class: "editor" });
    const output = el("output", { class: "num" });
    const slider = el("input", { type: "range", min: 0, max: 100, step: 5, id: `opacity-${id}`, oninput: () => fade(Number(slider.value) / 100) });
    const up = el("button", { type: "button", class: "small", "aria-label": t("bench.up", { name: layer.title }), onclick: () => step(-1, up) }, "▲");
    const down = el("button", { type: "button", class: "small", "aria-label": t("bench.down", { name: layer.title }), onclick: () => step(1, down) }, "▼");
    const off = el("button", { type: "button", class: "small", "aria-label": t("bench.off", { name: layer.title }), onclick: () => layers.set(id, false) }, "✕");
    const more = el("details", { ontoggle: () => { if (more.open) renew(); } }, el("summary", {}, t("bench.more")), editor);
    const node = el(
      "li", { class: "bench-layer", draggable: "true", "data-layer": id },
      el("div", { class: "line" }, el("span", { class: "grip", "aria-hidden": "true" }, "⠿"), el("strong", { class: "grow" }, layer.title), up, down, off),
      el("div", { class: "fade" }, el("label", { for: slider.id }, t("bench.opacity")), slider, output),
      told, more, problem,
    );
    node.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text/plain", id);
      event.dataTransfer.effectAllowed = "move";
      node.classList.add("dragged");
    });
    node.addEventListener("dragend", () => node.classList.remove("dragged"));
    node.addEventListener("dragover", (event) => event.preventDefault());
    node.addEventListener("drop", (event) => {
      event.preventDefault();
      const other = event.dataTransfer.getData("text/plain");
      if (order.includes(other)) move(other, order.indexOf(id));
    });

    function step(by, button) {
      move(id, order.indexOf(id) + by);
      (button.disabled ? (button === up ? down : up) : button).focus();
    }
    function fade(opacity) {
      mine.opacity = opacity;
      slider.value = Math.round(opacity * 100);
      output.textContent = `${Math.round(opacity * 100)} %`;
      view.fade(id, opacity);
      changed();
    }

    const question = newest((signal) => ask("views/shown", { view: JSON.stringify({ layers: [written(id)], at: at() }), lang: config.lang, theme: theme() }, { signal }));
    let fields = null;
    let drawn = ""; // what of the answer is on the map
    let ground = ""; // and for which theme
    async function renew() {
      const asked = theme();
      try {
        const answer = await question();
        if (!answer) return undefined;
        if (asked !== theme()) return renew(); // it became dark or light meanwhile
        show(problem);
        take(answer[0]);
      } catch (error) {
        show(problem, failure(error));
      }
      return undefined;
    }
    function take(answer) {
      fields = answer.fields;
      layers.drawing(id, isPlain(mine) ? null : { id, filters: mine.filters, style: mine.style });
      const parts = JSON.stringify(answer.map_layers);
      if (parts !== drawn && (drawn || !isPlain(mine))) view.restyle(id, answer.map_layers, mine.opacity);
      drawn = parts;
      ground = theme();
      layers.legend(id, isPlain(mine) ? null : answer.legend);
      told.textContent = isPlain(mine) ? "" : t("bench.matched", { n: count(answer.matched), all: count(answer.count) });
      show(legend, answer.legend.map((mark) => el("li", {}, markPicture(mark), el("span", { class: "grow" }, mark.label), el("span", { class: "num" }, count(mark.count)))));
      if (more.open && !editor.childNodes.length) show(editor, ...editors(answer));
      merged.textContent = answer.breaks?.merged ?? "";
    }
    let waiting = 0;
    function later() {
      clearTimeout(waiting);
      waiting = setTimeout(() => { renew(); changed(); }, PAUSE_MS);
    }

    const merged = el("p", { class: "hint" });
    function editors() {
      const byField = el("select", { id: `style-${id}` }, el("option", { value: "" }, t("bench.declared")), fields.filter((field) => Object.keys(field.methods).length).map((field) => el("option", { value: field.name }, field.label)));
      const byMethod = el("select", { "aria-label": t("bench.method") });
      const classes = el("input", { type: "number", min: FEWEST, max: MOST, value: USUAL, "aria-label": t("bench.classes") });
      const fieldOf = () => fields.find((field) => field.name === byField.value);
      function offer(method) {
        const methods = Object.entries(fieldOf()?.methods ?? {});
        show(byMethod, methods.map(([name, title]) => el("option", { value: name }, title)));
        if (method) byMethod.value = method;
        const isNumber = methods.length > 1;
        byMethod.hidden = classes.hidden = !isNumber;
      }
      function styled() {
        const isNumber = !byMethod.hidden;
        const k = Math.max(FEWEST, Math.min(MOST, Math.round(Number(classes.value)) || USUAL));
        mine.style = byField.value ? { field: byField.value, ...(isNumber ? { method: byMethod.value, classes: k } : {}) } : null;
        later();
      }
      byField.value = mine.style?.field ?? "";
      classes.value = mine.style?.classes ?? USUAL;
      offer(mine.style?.method);
      byField.addEventListener("change", () => { offer(); styled(); });
      byMethod.addEventListener("change", styled);
      classes.addEventListener("change", styled);
      const filters = makeFilters(id, fields, mine.filters, (found) => { mine.filters = found; later(); });
      return [
        el("div", { class: "field" }, el("label", { for: byField.id }, t("bench.style")), byField, el("div", { class: "row" }, byMethod, classes)),
        merged, legend, filters,
      ];
    }
    fade(mine.opacity);
    return {
      node,
      renew: () => renew(),
      /** Whether what is drawn may have changed: it is not as declared, or no longer of the theme. */
      mayDiffer: () => !isPlain(mine) || (drawn !== "" && ground !== theme()),
      place(k, of) { up.disabled = k === 0; down.disabled = k === of - 1; },
      /** Show what was asked from elsewhere. */
      reset() {
        show(editor);
        fade(mine.opacity);
        if (!isPlain(mine) || drawn || more.open) renew();
      },
    };
  }

  layers.onDrawn(sync);
  return {
    written: () => order.map(written),
    order: () => [...order],
    onChange(watcher) { watchers.push(watcher); },
    /** Show the layers of a view, the first on top, and no others. */
    restore(wanted) {
      const ids = wanted.map(({ id }) => id).filter((id) => layers.find(id));
      for (const { id, opacity = 1, filters = [], style = null } of wanted) Object.assign(state(id), { opacity, filters, style });
      for (const layer of layers.all()) layers.set(layer.id, ids.includes(layer.id));
      sync();
      isArranged = ids.join() !== declaredOrder(ids).join();
      if (isArranged) {
        order = ids;
        view.arrange(order);
      }
      draw();
      for (const id of ids) cards.get(id).reset();
      changed();
    },
  };
}
