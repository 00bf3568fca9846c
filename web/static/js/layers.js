/** The layer tree: what is there, how old it is, how it is drawn; loads what is switched on. */

import { addressOf, ask, newest } from "./api.js";
import { afterPaint } from "./canvas.js";
import { config, t } from "./config.js";
import { el, show } from "./dom.js";
import { age, count } from "./format.js";
import { markPicture } from "./marks.js";
import { at } from "./moment.js";
import { failure, loading } from "./notice.js";
import { staleText } from "./stale.js";
import { onTheme, theme } from "./theme.js";

const STILL_MS = 300; // the map has come to rest
const LIST_MS = 4_000; // counts and ages need not follow every change

export function makeLayers(root, view) {
  let layers = [];
  let listed = 0; // when the list was asked for
  let latest = null; // the newest question for the list
  let current = 0; // number of the question whose list is shown
  let questions = 0; // they are numbered: what was asked later is never overwritten by what was asked before
  const taken = new Map(); // id -> number of the question whose answer is drawn
  let listing = 0;
  const on = new Map(); // id -> is it switched on
  const open = new Map(); // id -> is its legend open
  const tags = new Map(); // id -> ETag of what is drawn
  const states = new Map(); // id -> {kind, text}
  const collections = new Map(); // id -> GeoJSON as loaded
  const rows = new Map();
  const unfolded = new Set(); // groups that somebody opened
  const legends = new Map(); // id -> legend of a layer that is styled otherwise
  const drawings = new Map(); // id -> the layer of a view that is drawn otherwise than declared
  const counting = new Map(); // id -> asks how many are drawn of how many in view
  const watchers = [];
  const loadWatchers = [];
  const loaded = (id, collection) => { for (const watcher of loadWatchers) watcher(id, collection); };

  // Legends open by themselves as far as they fit on the screen.
  let room = Math.max(5, Math.floor((window.innerHeight - 640) / 24));

  const find = (id) => layers.find((layer) => layer.id === id);

  function state(id, kind, text) {
    if (kind) states.set(id, { kind, text });
    else states.delete(id);
    const line = rows.get(id)?.querySelector(".state");
    if (line) {
      line.textContent = text ?? "";
      line.className = `state ${kind ?? ""}`;
    }
  }

  /** Which rows of a layer are drawn, at a moment. */
  function wanted(layer, moment) {
    const drawing = drawings.get(layer.id);
    return { at: moment, view: drawing ? JSON.stringify({ layers: [drawing] }) : null };
  }

  /** The address of the tiles of a layer at a moment. */
  const tiles = (layer, moment) => `${location.origin}${addressOf(`layers/${layer.id}/tiles/{z}/{x}/{y}.mvt`, wanted(layer, moment))}`;

  async function load(layer) {
    if (layer.tiled || layer.count === 0) return undefined;
    if (layer.tiles !== null) return loadTiles(layer);
    const moment = at();
    const mine = questions += 1;
    const isOver = () => moment !== at() || mine < (taken.get(layer.id) ?? 0);
    try {
      const answer = await ask(`layers/${layer.id}.geojson`, { lang: config.lang, at: moment }, { tag: tags.get(layer.id) ?? "" });
      if (isOver()) return undefined;
      taken.set(layer.id, mine);
      if (answer.same) return state(layer.id, null);
      tags.set(layer.id, answer.tag);
      collections.set(layer.id, answer.body);
      view.data(layer.id, answer.body);
      loaded(layer.id, answer.body);
      state(layer.id, null);
    } catch (error) {
      if (isOver()) return undefined;
      state(layer.id, "failed", `${t("layers.failed")}: ${error.message}`);
      // It has become too large for one answer: the list says so.
      if (error.details?.code === "too-large") listing ||= setTimeout(list, LIST_MS);
    }
    return undefined;
  }

  async function loadTiles(layer) {
    taken.set(layer.id, questions += 1);
    tags.delete(layer.id);
    collections.delete(layer.id);
    view.tiles(layer, tiles(layer, at()));
    loaded(layer.id, null);
    try {
      await Promise.all([view.renewRows(layer.id), tellDrawn(layer)]);
    } catch (error) {
      state(layer.id, "failed", `${t("layers.failed")}: ${error.message}`);
    }
  }

  /** Say how many of the rows in view are drawn, where not all are. */
  async function tellDrawn(layer) {
    if (!counting.has(layer.id)) counting.set(layer.id, newest((signal, query) => ask(`layers/${layer.id}/tiles/counts`, query, { signal })));
    if (view.map.getZoom() < layer.min_zoom) return state(layer.id, null);
    const box = view.map.getBounds();
    const bbox = [Math.max(box.getWest(), -180), Math.max(box.getSouth(), -90), Math.min(box.getEast(), 180), Math.min(box.getNorth(), 90)].join(",");
    const found = await counting.get(layer.id)({ ...wanted(layer, at()), bbox, zoom: Math.max(0, Math.floor(view.map.getZoom())) });
    if (!found) return undefined;
    return state(layer.id, "thinned", found.drawn < found.in_view ? t("layers.thinned", { drawn: count(found.drawn), n: count(found.in_view) }) : "");
  }

  function switched(layer, isOn) {
    on.set(layer.id, isOn);
    open.set(layer.id, isOn);
  }

  function turn(layer, isOn) {
    switched(layer, isOn);
    view.visible(layer, isOn);
    return isOn ? load(layer) : undefined;
  }

  /** The tree answers the hand at once; the map, which takes longer to draw, follows. */
  function toggle(layer, isOn) {
    if (isOn) unfolded.add(layer.group);
    switched(layer, isOn);
    draw();
    document.getElementById(`layer-${layer.id}`)?.focus();
    afterPaint(() => turn(find(layer.id), on.get(layer.id)));
  }

  function row(layer) {
    const isOn = on.get(layer.id);
    const facts = layer.count === 0
      ? t("layers.none")
      : layer.updated_utc ? `${layer.source} · ${t("layers.updated", { age: age(layer.age_s) })}` : layer.note;
    const zoomed = view.map.getZoom() >= layer.min_zoom;
    const marks = legends.get(layer.id) ?? layer.legend;
    const picture = (mark) => markPicture({ ...mark, isHatched: layer.stale });
    const legend = el("ul", { class: "legend", id: `legend-${layer.id}` }, marks.map((mark) => el("li", {}, picture(mark), el("span", {}, mark.label))));
    const kept = states.get(layer.id);
    const node = el(
      "li", { class: `layer${layer.stale ? " stale" : ""}${layer.count === 0 ? " nothing" : ""}` },
      el(
        "div", { class: "line" },
        el("input", { type: "checkbox", id: `layer-${layer.id}`, checked: isOn, onchange: (event) => toggle(layer, event.target.checked) }),
        marks.length === 1 ? picture(marks[0]) : null,
        el("label", { for: `layer-${layer.id}` }, layer.title),
        el("span", { class: "count" }, [count(layer.count), layer.counted].filter(Boolean).join(" ")),
        el("button", {
          type: "button", class: "fold", "aria-expanded": String(Boolean(open.get(layer.id))), "aria-controls": `detail-${layer.id}`, "aria-label": layer.title,
          onclick: () => { open.set(layer.id, !open.get(layer.id)); draw(); },
        }, open.get(layer.id) ? "▾" : "▸"),
      ),
      el("p", { class: "facts" }, facts, layer.stale ? el("span", { class: "stale-note" }, staleText(layer)) : null, isOn && !zoomed ? el("span", { class: "warn" }, t("layers.zoom")) : null),
      el(
        "div", { id: `detail-${layer.id}`, class: "detail", hidden: !open.get(layer.id) },
        marks.length > 1 ? legend : null,
        el("p", { class: "facts" }, layer.updated_utc ? `${layer.note} · ` : null, ["geojson", "csv", "xlsx"].map((form, k) => [k ? " " : "", el("a", { class: "file", href: `/api/v1/layers/${layer.id}.${form}?lang=${config.lang}`, download: `${layer.id}.${form}` }, form)])),
      ),
      el("p", { class: `state ${kept?.kind ?? ""}`, role: "status" }, kept?.text ?? ""),
    );
    rows.set(layer.id, node);
    return node;
  }

  function draw() {
    const scroll = root.scrollTop;
    const groups = Map.groupBy ? Map.groupBy(layers, (layer) => layer.group) : layers.reduce((found, layer) => found.set(layer.group, [...(found.get(layer.group) ?? []), layer]), new Map());
    show(root, [...groups].map(([name, members]) => {
      const isOpen = unfolded.has(name) || members.some((layer) => on.get(layer.id));
      const list = el("ul", { class: "tree" }, members.map(row));
      // A group of which nothing is drawn, nor is by itself, needs one line only.
      if (members.some((layer) => layer.visible)) return el("section", { class: "group", "aria-label": name }, el("h3", {}, name), list);
      return el("section", { class: "group", "aria-label": name }, el(
        "details", { open: isOpen, ontoggle: (event) => (event.target.open ? unfolded.add(name) : unfolded.delete(name)) },
        el("summary", {}, el("h3", {}, name), el("span", { class: "count" }, members.length)), list,
      ));
    }));
    root.scrollTop = scroll;
    for (const watcher of watchers) watcher();
  }

  /** Ask for the list anew, then for every layer that is switched on. */
  async function refresh() {
    await list();
    await Promise.all(layers.filter((layer) => on.get(layer.id)).map(load));
  }

  /** Ask for the list anew; whoever asked for another theme or moment, or before, waits for the newest. */
  function list() {
    clearTimeout(listing);
    listing = 0;
    listed = Date.now();
    if (!layers.length) show(root, loading());
    latest = { number: questions += 1, told: null };
    latest.told = read(theme(), at(), latest.number);
    return latest.told;
  }

  async function read(colours, moment, mine) {
    const isOver = () => colours !== theme() || moment !== at() || mine < current;
    let found;
    try {
      found = await ask("layers", { lang: config.lang, theme: colours, at: moment });
    } catch (error) {
      if (!layers.length && !isOver()) show(root, failure(error, refresh));
      return undefined;
    }
    if (isOver()) return latest.number > mine ? latest.told : undefined;
    current = mine;
    const before = new Map(layers.map((layer) => [layer.id, layer.tiles]));
    layers = found;
    view.describeLayers(layers);
    for (const layer of layers) {
      if (!on.has(layer.id)) on.set(layer.id, layer.visible);
      if (!open.has(layer.id)) {
        const opens = layer.visible && layer.count > 0 && layer.legend.length > 1 && layer.geometry !== "line" && layer.legend.length <= room;
        open.set(layer.id, opens);
        if (opens) room -= layer.legend.length;
      }
      view.visible(layer, on.get(layer.id));
      // It has got more rows than one answer holds, or few enough again.
      if (before.has(layer.id) && before.get(layer.id) !== layer.tiles && on.get(layer.id)) load(layer);
    }
    draw();
    return undefined;
  }

  /** Rows of these layers changed: draw those that are switched on; counts and ages follow soon after. */
  async function renew(ids) {
    for (const id of ids) if (!on.get(id)) collections.delete(id);
    const shown = layers.filter((layer) => ids.has(layer.id) && on.get(layer.id));
    if (shown.some((layer) => layer.count === 0)) {
      await list();
      await Promise.all(layers.filter((layer) => ids.has(layer.id) && on.get(layer.id)).map(load));
      return;
    }
    // Not all open maps at once.
    listing ||= setTimeout(list, Math.max(0, listed + LIST_MS - Date.now()) + Math.random() * 1000);
    await Promise.all(shown.map(load));
  }

  let still = 0;
  view.map.on("moveend", () => {
    clearTimeout(still);
    still = setTimeout(() => {
      for (const layer of layers) if (on.get(layer.id) && layer.tiles !== null) tellDrawn(layer).catch(() => state(layer.id, null));
    }, STILL_MS);
  });
  onTheme(list);
  let zoomedTo = view.map.getZoom();
  view.map.on("zoomend", () => {
    const zoom = view.map.getZoom();
    if (layers.some((layer) => on.get(layer.id) && (zoomedTo >= layer.min_zoom) !== (zoom >= layer.min_zoom))) draw();
    zoomedTo = zoom;
  });

  return {
    refresh,
    renew,
    tiles,
    find,
    all: () => layers,
    isOn: (id) => Boolean(on.get(id)),
    /** Be told whenever the tree was drawn anew: layers went on or off, or the list is a new one. */
    onDrawn(watcher) { watchers.push(watcher); },
    /** Be told (id, GeoJSON) of the rows of a layer that are drawn from now on; null for tiles. */
    onLoaded(watcher) { loadWatchers.push(watcher); },
    /** The legend of a layer that is styled otherwise; null gives back the declared one. */
    legend(id, marks) {
      if (marks) legends.set(id, marks);
      else legends.delete(id);
      const node = document.getElementById(`legend-${id}`);
      if (node && marks) show(node, marks.map((mark) => el("li", {}, markPicture({ ...mark, isHatched: find(id).stale }), el("span", {}, mark.label))));
      else draw();
    },
    /** Which rows of a layer are drawn and by which field, as a view says it; null for as declared. */
    drawing(id, asked) {
      if (JSON.stringify(drawings.get(id) ?? null) === JSON.stringify(asked)) return;
      if (asked) drawings.set(id, asked);
      else drawings.delete(id);
      const layer = find(id);
      if (layer?.tiles !== null && on.get(id)) load(layer);
    },
    /** Switch a layer on or off from elsewhere. */
    set(id, isOn) {
      const layer = find(id);
      if (!layer || on.get(id) === isOn) return;
      turn(layer, isOn);
      draw();
    },
    /** Only these marks, on the ground that is drawn anyway: other points would hide them. Resolves when they are loaded. */
    async only(ids) {
      const wanted = layers.filter((layer) => ids.includes(layer.id));
      if (!wanted.length) return;
      for (const layer of layers) if (layer.geometry === "point" && on.get(layer.id) && !wanted.includes(layer)) turn(layer, false);
      const loads = wanted.map((layer) => {
        unfolded.add(layer.group);
        return turn(layer, true);
      });
      draw();
      document.getElementById(`layer-${wanted[0]?.id}`)?.closest("section").scrollIntoView({ block: "start" });
      await Promise.all(loads);
    },
    /** The GeoJSON of a layer, loaded when it is not there yet; a problem where it is too large for one answer. */
    async collection(id) {
      const layer = find(id);
      if (layer && layer.tiles !== null) return ask(`layers/${id}.geojson`, { lang: config.lang, at: at() });
      if (layer && !collections.has(id)) await load(layer);
      return collections.get(id);
    },
  };
}
