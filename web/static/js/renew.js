/** The part of a page that the server drew: fetched again after a change, and merged into what is on the screen. */

import { onLoggedOut } from "./api.js";
import { config, t } from "./config.js";
import { showConnection } from "./connection.js";
import { el, show } from "./dom.js";
import { clockTime } from "./format.js";
import { onChange, onState } from "./live.js";
import { merge } from "./merge.js";

const APART_MS = 500; // many changes at once are one or two fetches
const AGAIN_MS = 2_000;
const PATIENCE_MS = 8_000;
const RUNNING_MS = 60_000;

const { address, follows } = config.page;
const concerns = ({ all, layers, tables }) => all || follows === null || Object.entries(follows).some(([name, wanted]) => [layers, tables].some((told) => {
  if (!told.has(name)) return false;
  const changed = told.get(name);
  return wanted === null || changed === null || wanted.some((id) => changed.has(id));
}));

/** Keep `root` as the server draws it now; `onDrawn` is called after each time. */
export function keepLive(root, onDrawn) {
  const made = document.querySelector(".made");
  let isOutdated = false;
  let isBusy = false;
  let isLeaving = false;
  let begun = 0;
  let later = 0;
  let hands = 0; // pressed or composing: what somebody points at or writes must not move
  let settled = null;

  function lift(by) {
    hands = Math.max(0, hands + by);
    if (!hands) settled?.();
  }
  for (const [down, up] of [["pointerdown", ["pointerup", "pointercancel"]], ["compositionstart", ["compositionend"]]]) {
    let isDown = false;
    root.addEventListener(down, () => { if (!isDown) lift(1); isDown = true; });
    for (const name of up) document.addEventListener(name, () => setTimeout(() => { if (isDown) lift(-1); isDown = false; }));
  }

  function stale(text) {
    made.classList.add("stale");
    if (text) made.title = text;
  }

  function loggedOut() {
    isLeaving = true;
    stale();
    const login = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    show(document.getElementById("logged-out"), el("p", { class: "failure", role: "alert" }, t("live.logged_out", { time: clockTime(new Date()) }), " ", el("a", { href: login }, t("login"))));
  }

  async function drawn() {
    const response = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status === 401) return loggedOut();
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("live");
    if (!fresh) throw new Error(String(response.status));
    if (hands) await new Promise((resolve) => { settled = resolve; });
    if (isLeaving) return undefined;
    merge(root, fresh);
    made.querySelector("time").replaceWith(page.querySelector(".made time"));
    made.classList.remove("stale");
    made.removeAttribute("title");
    onDrawn();
    return undefined;
  }

  async function renew() {
    clearTimeout(later);
    later = 0;
    isOutdated = true;
    if (isBusy || isLeaving || document.hidden) return;
    const wait = begun + APART_MS - Date.now();
    if (wait > 0) {
      later = setTimeout(renew, wait);
      return;
    }
    isBusy = true;
    isOutdated = false;
    begun = Date.now();
    try {
      await drawn();
    } catch (error) {
      isOutdated = true;
      stale(t("live.failed", { status: error.message }));
      begun = Date.now() + AGAIN_MS - APART_MS;
    } finally {
      isBusy = false;
    }
    if (isOutdated) later = setTimeout(renew, Math.max(0, begun + APART_MS - Date.now()));
  }

  onChange((told) => { if (concerns(told)) renew(); });
  onState(({ state }) => {
    if (state === "lost") stale();
    else if (isOutdated || made.classList.contains("stale")) renew();
  });
  onLoggedOut(loggedOut);
  // What is late, or how long is left, grows with the clock.
  setInterval(() => { if (root.querySelector("[data-running]") && Date.now() - begun >= RUNNING_MS / 2) renew(); }, RUNNING_MS);
  // The page that comes of a form is on its way: nothing is drawn under it.
  document.addEventListener("submit", ({ target }) => { if (target.method === "post") isLeaving = true; });
  window.addEventListener("pageshow", ({ persisted }) => { if (persisted) { isLeaving = false; renew(); } });
  root.addEventListener("animationend", ({ target }) => { delete target.dataset.news; });
  showConnection();
}
