/** The page in the field: four views, the state of the network, and what waits to be sent. */

import { onConnection, onLoggedOut } from "../api.js";
import { config, may, t } from "../config.js";
import { el, show } from "../dom.js";
import { ageSince, clockTime } from "../format.js";
import { failure } from "../notice.js";
import { keptAnswer, onKept, storageIsFull } from "./kept.js";
import { makeFieldMap } from "./map.js";
import { keepFacilities, makeNearest } from "./nearest.js";
import { makePosition } from "./position.js";
import { keepSending, makeQueue, onOutcome, pending, push } from "./queue.js";
import { makeReceive } from "./receive.js";
import { onQueue } from "./store.js";

const VIEWS = ["map", "nearest", "position", "receive", "queue"];
const REFRESH_MS = 60_000;
const LOOK_MS = 10_000; // without a network it is tried more often
const CONTROL_MS = 4_000;
const node = (id) => document.getElementById(id);

// -- the service worker

/** Have the worker keep the page; null, or why it cannot. */
async function keepPage() {
  if (!("serviceWorker" in navigator)) return t(window.isSecureContext ? "field.worker.none" : "field.worker.insecure");
  navigator.serviceWorker.addEventListener("message", ({ data }) => { if (data.name === "full") storageIsFull(); });
  try {
    await navigator.serviceWorker.register("/sw.js", { type: "module", scope: "/" });
  } catch (error) {
    return navigator.serviceWorker.controller ? null : t("field.worker.failed", { why: error.message });
  }
  // Only what goes through it is kept: the first time the map waits for it, but not for long.
  if (!navigator.serviceWorker.controller) {
    await Promise.race([
      new Promise((resolve) => { navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }); }),
      new Promise((resolve) => { setTimeout(resolve, CONTROL_MS); }),
    ]);
  }
  return null;
}

// -- what stands above

let online = true;
let oldest = null;
let full = false;
let why = null; // the page is not kept

function drawState() {
  const state = node("state");
  document.body.dataset.live = online ? "online" : "offline";
  const time = oldest === null ? null : t("field.as_of", { time: clockTime(new Date(oldest)), age: ageSince(oldest) });
  state.textContent = [t(online ? "field.online" : "field.offline"), time].filter(Boolean).join(" · ");
  show(node("notices"), [full ? t("field.full") : null, why].filter(Boolean).map((text) => el("p", { class: "warning" }, text)));
}

async function drawCount() {
  const { mine } = await pending();
  const [waiting, refused] = ["waiting", "refused"].map((state) => mine.filter((entry) => entry.state === state).length);
  const link = node("to-queue");
  link.textContent = waiting || refused ? t("field.queue.count", { waiting, refused }) : t("field.queue.nothing");
  link.dataset.waiting = waiting;
  link.dataset.refused = refused;
  link.className = refused ? "refused" : waiting ? "waiting" : "";
}

// -- views

const view = () => (VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "map");
const go = (name) => { location.hash = name; };

function entered() { drawCount(); }
entered.replace = (id, next) => queue.replace(id, next);

const nearest = makeNearest(node("nearest"));
const position = makePosition(node("position"), { onEntered: entered });
const receive = makeReceive(node("receive"), { onEntered: entered });
const queue = makeQueue(node("queue-list"), { mend: (entry) => { go("receive"); receive.mend(entry); } });
let fieldMap = null;

function showView() {
  const now = view();
  // The map keeps its size behind the other views; it is only out of reach.
  for (const name of VIEWS) if (name !== "map") node(name).hidden = name !== now;
  node("map").inert = now !== "map";
  for (const link of document.querySelectorAll("nav a, #to-queue")) {
    if (link.hash === `#${now}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (now === "nearest") nearest.open();
  if (now === "queue") queue.draw();
}

// -- logging out

function logOut() {
  const form = node("log-out");
  if (!form) return;
  let isSure = false;
  form.addEventListener("submit", async (event) => {
    if (isSure) return;
    event.preventDefault();
    const waiting = (await pending()).mine.filter((entry) => entry.state !== "sent").length;
    isSure = true;
    if (!waiting) return form.requestSubmit();
    const warning = node("log-out-warning");
    warning.hidden = false;
    warning.textContent = t("field.logout.waits", { n: waiting });
    form.querySelector("button").textContent = t("field.logout.sure");
    return undefined;
  });
}

// -- begin

let refreshed = 0;
async function refresh() {
  refreshed = Date.now();
  const jobs = [position.refresh(), receive.refresh(), fieldMap?.refresh(), keepFacilities()];
  if (may("supply.read")) jobs.push(keptAnswer("supplies/orders").then(({ body }) => fieldMap?.ways(body)));
  await Promise.allSettled(jobs);
  if (online) fieldMap?.renewTiles();
}

async function begin() {
  window.addEventListener("hashchange", showView);
  onConnection(({ online: isOnline }) => {
    online = isOnline;
    drawState();
    if (isOnline) { push(); refresh(); }
  });
  onKept(({ oldest: found, isFull }) => { oldest = found; full = isFull; drawState(); });
  onQueue(drawCount);
  onLoggedOut(() => { node("ended").hidden = false; });
  onOutcome((outcome) => {
    if (outcome === "login" && config.visitor.logged_in) node("ended").hidden = false;
    if (outcome === "changed") location.reload();
    if (outcome === "done" && online) refresh();
  });
  logOut();
  showView();
  drawCount();
  why = await keepPage();
  drawState();
  try {
    fieldMap = await makeFieldMap({ canvas: node("map-canvas"), card: node("card"), switches: node("switches") }, { onAsk: () => go("nearest"), onReport: () => go("position") });
  } catch (error) {
    show(node("map-canvas"), failure(error));
  }
  await refresh();
  keepSending();
  setInterval(() => {
    drawState();
    if (!document.hidden && (!online || Date.now() - refreshed >= REFRESH_MS)) refresh();
  }, LOOK_MS);
  for (const name of ["online", "offline"]) window.addEventListener(name, refresh);
  document.body.dataset.ready = "true";
}

begin();
