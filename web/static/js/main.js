/** Puts the page together. */

import { ask, onConnection } from "./api.js";
import { config, t } from "./config.js";
import { makeCoverage } from "./coverage.js";
import { el, show } from "./dom.js";
import { clockTime } from "./format.js";
import { makeLayers } from "./layers.js";
import { makeMap } from "./map.js";
import { onMoment } from "./moment.js";
import { failure } from "./notice.js";
import { makeOrders } from "./orders.js";
import { makeReach } from "./reach.js";
import { makeSearch } from "./search.js";
import { makeSupply } from "./supply.js";
import { makeTabs } from "./tabs.js";
import { makeZoning } from "./zoning.js";

const POLL_MS = 10_000;
const RELOAD_MS = 60_000;
const PATIENCE_MS = 8_000;

const notices = document.getElementById("notices");
const connection = document.getElementById("connection");
const inform = (...content) => show(notices, ...content);

async function start() {
  let view;
  let reach;
  let supply;
  let coverage;
  let zoning;
  let orders;
  const tabs = makeTabs((name, before) => {
    view?.closePopup();
    if (before === "coverage") coverage?.close();
    if (before === "zoning") zoning?.close();
    if (name === "coverage") coverage?.open();
    if (name === "zoning") zoning?.open();
    if (name === "orders") orders?.open();
    ({ reach, supply })[name]?.redraw();
    if (name === "coverage" || name === "zoning") view?.routes([]);
  });
  function about(place, name, cards = []) {
    inform();
    if (tabs.current() === "supply") {
      supply.place(place, name);
      view.place(place);
      return;
    }
    if (tabs.current() === "zoning") {
      zoning.about(place);
      return;
    }
    if (tabs.current() !== "reach") tabs.select("reach");
    reach.about(place, name, cards);
  }
  const toSupply = () => {
    tabs.select("supply");
    document.querySelector("#supply-rows input")?.focus();
  };

  view = await makeMap("map", { onAsk: about, onSupply: toSupply });
  const layers = makeLayers(document.getElementById("layers"), view);
  supply = makeSupply({ view, isShown: () => tabs.current() === "supply", onChanged: () => layers.refresh() });
  const ordersNode = document.getElementById("orders");
  orders = ordersNode ? makeOrders(ordersNode, { view }) : null;
  reach = makeReach(document.getElementById("reach"), { view, onSupply: toSupply, onPlace: (place, name) => supply.place(place, name), isShown: () => tabs.current() === "reach" });
  coverage = makeCoverage(document.getElementById("coverage"), { view, layers });
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

  // On a phone nothing covers the map before somebody asks.
  await layers.refresh();
  document.body.dataset.ready = "true";

  let revision = null;
  let reloaded = Date.now();
  async function renew() {
    reloaded = Date.now();
    await layers.refresh();
    coverage.outdated(tabs.current() === "coverage");
    zoning.outdated();
    if (tabs.current() === "orders") orders?.refresh();
  }
  onMoment(() => {
    renew();
    if (tabs.current() === "reach") reach.again();
  });
  onConnection(({ online, since }) => {
    document.body.classList.toggle("offline", !online);
    connection.classList.toggle("lost", !online);
    if (!online) connection.textContent = t("connection.lost", { time: clockTime(new Date(since)) });
    else renew();
  });

  let timer = 0;
  async function poll() {
    clearTimeout(timer);
    try {
      const status = await ask("status", {}, { signal: AbortSignal.timeout(PATIENCE_MS) });
      connection.textContent = t("connection.ok", { revision: status.revision });
      if (revision !== null && status.revision !== revision) {
        supply.forget();
        await renew();
      } else if (Date.now() - reloaded > RELOAD_MS) {
        reloaded = Date.now();
        await layers.refresh();
      }
      revision = status.revision;
    } catch (error) {
      if (error.name === "TimeoutError" || error.name === "AbortError") connection.textContent = t("connection.lost", { time: clockTime(new Date()) });
      else if (error.details?.code === "unauthenticated") inform(failure(error));
      else if (error.details?.code !== "offline") connection.textContent = error.message;
    }
    clearTimeout(timer);
    timer = setTimeout(poll, POLL_MS);
  }
  poll();
  // Who comes back to the page, or to the network, sees the newest state at once.
  for (const event of ["focus", "online", "offline"]) window.addEventListener(event, poll);
}

start().catch((error) => {
  inform(failure(error, () => location.reload()));
  document.body.dataset.ready = "failed";
  console.warn(error);
});
