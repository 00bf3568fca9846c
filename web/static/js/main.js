/** Puts the page together. */

import { ask, onLoggedOut } from "./api.js";
import { makeAround } from "./around.js";
import { makeClosure } from "./closure.js";
import { showConnection } from "./connection.js";
import { config, t } from "./config.js";
import { makeCoverage } from "./coverage.js";
import { el, show } from "./dom.js";
import { makeHelp } from "./help.js";
import { makeLayers } from "./layers.js";
import { onChange } from "./live.js";
import { makeMap } from "./map.js";
import { onMoment } from "./moment.js";
import { failure } from "./notice.js";
import { makeOrders } from "./orders.js";
import { makePlanner } from "./planner.js";
import { makeReach } from "./reach.js";
import { makeSearch } from "./search.js";
import { makeSince } from "./since.js";
import { makeSupply } from "./supply.js";
import { makeTabs } from "./tabs.js";
import { isWall, makeWall } from "./wall.js";
import { makeZoning } from "./zoning.js";

const RELOAD_MS = 60_000;
const MAX_NAME = 200; // of a place in a view, as the server says
const STOCK = ["lot", "item", "depot"];
const MOVING = ["vehicles", "supply_orders", "supply_requests"]; // what moves all day changes no zoning
const ZONED = ["building", "capacity", "cell", "parameter", "raster", "storm_track", "substance", "zoning_correction"];

const notices = document.getElementById("notices");
const inform = (...content) => show(notices, ...content);

async function start() {
  let view;
  let reach;
  let supply;
  let coverage;
  let zoning;
  let orders;
  let around;
  let closures;
  let since;
  let planner;
  const tabs = makeTabs((name, before) => {
    view?.closePopup();
    ({ around, closures })[before]?.close();
    if (before === "coverage") coverage?.close();
    if (before === "zoning") zoning?.close();
    if (before === "supply") supply?.leave();
    if (name === "supply") supply?.back();
    if (name === "coverage") coverage?.open();
    if (name === "zoning") zoning?.open();
    if (name === "orders") orders?.open();
    ({ around, closures, since })[name]?.open();
    ({ reach, supply })[name]?.redraw();
    if (["coverage", "zoning", "around", "closures", "since"].includes(name)) view?.routes([]);
    planner?.renew();
  });
  function about(place, name, cards = []) {
    inform();
    if (tabs.current() === "supply") {
      supply.place(place, name);
      view.place(place, name);
      return;
    }
    if (tabs.current() === "zoning") {
      zoning.about(place, name);
      return;
    }
    if (tabs.current() === "around") {
      around.about(place, name);
      return;
    }
    if (tabs.current() !== "reach") tabs.select("reach");
    reach.about(place, name, cards);
  }
  const toAround = (place, name) => {
    around.place(place, name);
    view.place(place, name);
    tabs.select("around", { focus: true });
    around.again();
  };
  const toSupply = () => {
    tabs.select("supply");
    document.querySelector("#supply-rows input")?.focus();
  };

  /** Show what an address asks for. */
  function open(question) {
    tabs.select("supply");
    if (question.to) {
      supply.place(question.to, question.place);
      view.place(question.to, question.place);
      view.fly(question.to);
    }
    supply.fill(question);
  }

  /** The way of an order or of the goods of a lot, as the pages of supplies link to it. */
  async function showWay(query) {
    const name = query.order ?? query.lot;
    try {
      const { features } = await ask("supplies/trace/way", query);
      view.routes(features.filter((one) => one.geometry).map(({ geometry, properties }) => ({ coordinates: geometry.coordinates, straight: properties.is_straight })), { fit: true });
      inform(el("p", { class: "hint" }, t(features.length ? "way.lines" : "way.none", { name, n: features.length })));
    } catch (error) {
      inform(failure(error));
    }
  }

  /** Layers that an address names, switched on and in view. */
  async function showLayers(ids) {
    await layers.only(ids);
    // What is drawn from tiles is all over the district.
    const found = await Promise.all(ids.filter((id) => layers.find(id)?.tiles === null).map((id) => layers.collection(id)));
    view.show(found.flatMap((collection) => collection?.features ?? []));
  }

  view = await makeMap("map", { onAsk: about, onSupply: toSupply });
  const layers = makeLayers(document.getElementById("layers"), view);
  const depots = async () => ((await layers.collection("depots"))?.features ?? [])
    .map(({ properties: { id, name } }) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name, config.lang));
  supply = makeSupply({ view, isShown: () => tabs.current() === "supply", onChanged: () => layers.refresh(), depots });
  const ordersNode = document.getElementById("orders");
  orders = ordersNode ? makeOrders(ordersNode, { view }) : null;
  reach = makeReach(document.getElementById("reach"), { view, onSupply: toSupply, onAround: toAround, onPlace: (place, name) => supply.place(place, name), isShown: () => tabs.current() === "reach" });
  around = makeAround(document.getElementById("around"), { view, layers, isShown: () => tabs.current() === "around", onMeasure: () => planner?.renew() });
  closures = makeClosure(document.getElementById("closure"), {
    view, layers, isShown: () => tabs.current() === "closures",
    onUnsaved: (see) => inform(el("p", { class: "warn-box" }, t("closure.unsaved"), " ", el("button", { type: "button", onclick: () => { inform(); tabs.select("closures", { focus: true }); see(); } }, t("closure.go_on")))),
  });
  since = makeSince(document.getElementById("since"), {
    view, isShown: () => tabs.current() === "since",
    onClosure: (id) => { tabs.select("closures", { focus: true }); closures.look(id); },
  });
  coverage = makeCoverage(document.getElementById("coverage"), { view, layers, onAsked: () => planner?.renew() });
  zoning = makeZoning({ view, layers, isShown: () => tabs.current() === "zoning" });
  makeSearch(document.getElementById("search"), {
    onPick(hit) {
      if (!hit.place) return inform(el("p", { class: "warn-box" }, `${hit.name || hit.id}: ${t("search.unplaced")}`));
      view.fly(hit.place);
      about(hit.place, hit.name || hit.id);
      return undefined;
    },
    onError: (error) => inform(failure(error)),
  });

  /** The panel and the place of a view; the panel is asked about the place, `reach` where it is not about one. */
  const panel = {
    written() {
      const place = view.chosen();
      const name = tabs.current();
      return {
        ...(name === "layers" ? {} : { panel: name }),
        ...(name === "around" && around.written() ? { around: around.written() } : {}),
        ...(name === "coverage" ? { coverage: coverage.written() } : {}),
        ...(place ? { place: { lonlat: place.lonlat.map((degree) => Number(degree.toFixed(6))), ...(place.name ? { name: place.name.slice(0, MAX_NAME) } : {}) } } : {}),
      };
    },
    open({ panel: name, around: measure, coverage: question }) {
      if (measure) around.restore(measure);
      if (question) coverage.restore(question);
      if (name && document.getElementById(`tab-${name}`) && !isWall()) tabs.select(name);
    },
    ask({ place }) {
      const name = tabs.current();
      if (name === "zoning") zoning.follow();
      if (!place) return;
      const { lonlat, name: called = "" } = place;
      if (name === "around") around.about(lonlat, called, { isStill: true });
      else if (["supply", "zoning"].includes(name)) about(lonlat, called);
      else reach.about(lonlat, called);
    },
  };
  // On a phone nothing covers the map before somebody asks.
  planner = makePlanner(document.getElementById("workbench"), { view, layers, panel });
  await layers.refresh();
  // What was drawn since the view was opened survives a reload.
  const [{ type: come } = {}] = performance.getEntriesByType("navigation");
  if (config.view) planner.restore(config.view, { keepsDrawing: come === "reload" });
  if (config.problem) inform(failure({ details: config.problem }));
  if (config.supply) open(config.supply);
  const asked = new URLSearchParams(location.search);
  for (const kind of ["order", "lot"]) if (asked.has(kind)) await showWay({ [kind]: asked.get(kind) });
  if (asked.has("layers")) await showLayers(asked.get("layers").split(","));
  if (isWall()) await makeWall({ view, layers });
  else makeHelp({ tabs, view, planner });
  document.body.dataset.ready = "true";

  async function renew() {
    await layers.refresh();
    coverage.outdated(tabs.current() === "coverage");
    zoning.outdated();
    since.outdated();
    if (tabs.current() === "orders") orders?.refresh();
  }
  onMoment(() => {
    renew();
    if (tabs.current() === "reach") reach.again();
    if (tabs.current() === "around") around.again();
  });

  onLoggedOut((problem) => inform(failure(problem)));
  onChange(({ all, base, layers: changed, tables }) => {
    if (all || base) view.renewTiles();
    if (all || STOCK.some((name) => tables.has(name)) || changed.has("depots")) supply.forget();
    if (all) {
      renew();
      return;
    }
    const renewed = layers.renew(changed);
    if (changed.has("supply_orders") && tabs.current() === "orders") orders?.refresh();
    if (changed.has("closures") && tabs.current() === "closures") renewed.then(() => closures.refresh());
    if ([...changed.keys()].some((name) => name !== "vehicles") || tables.size) since.outdated();
    if (changed.has("response_time") || changed.has("uncovered_places")) coverage.outdated(tabs.current() === "coverage");
    if (ZONED.some((name) => tables.has(name)) || [...changed.keys()].some((name) => !MOVING.includes(name))) zoning.outdated();
  });
  showConnection();
  // Ages and what is computed for "now" grow old without a change.
  setInterval(() => {
    if (document.hidden) return;
    layers.refresh();
    view.grownOlder();
    if (tabs.current() === "orders") orders?.refresh(); // one may have become late
  }, RELOAD_MS);
}

start().catch((error) => {
  inform(failure(error, () => location.reload()));
  document.body.dataset.ready = "failed";
  console.warn(error);
});
