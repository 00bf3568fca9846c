/**
 * What changes while the page is open: the server's event stream, kept by one tab for all of a browser.
 *
 * A browser opens six connections to one server for all its tabs, and a stream holds one for good. So the tab that
 * has the lock listens and tells the others; when it closes or falls silent another takes over from where it is.
 * Every event says since when it tells: a tab that sees a gap reads everything anew.
 */

import { ask } from "./api.js";

const ADDRESS = "/api/v1/events";
const LOCK = "onemap-live";
const GATHER_MS = 50; // changes of one moment are told together
const PATIENCE_MS = 8_000;
const POLL_MS = 10_000;
const AGAIN_MS = [1_000, 2_000, 5_000, 10_000, 15_000]; // a stream that was refused is tried again
const NAMES = ["hello", "change", "drawn", "reset", "beat", "end"];

const listeners = new Set();
const states = new Set();

/**
 * Be told what changed: {all, base, layers: Map(id -> Set of row ids, or null for the whole layer), tables: the same}.
 * `all` means that anything may have changed. Nothing is told while the page is hidden; it is when it is shown again.
 */
export function onChange(listener) { listeners.add(listener); }

/** Be told {state: "live" | "polled" | "lost", revision, since} whenever one of them changes. */
export function onState(listener) { states.add(listener); }

/** Follow the changes after `revision`; `drawn` is the stamp of the zoning runs that the page shows. */
export function follow({ revision, drawn, role }) {
  let last = revision; // everything up to here was told
  let beatMs = 10_000;
  let heard = Date.now(); // when the stream said something
  let state = "";
  let said = -1;
  let pending = null;
  let gathering = 0;
  let release = null; // gives the stream to another tab
  let source = null;
  let refused = 0;
  let retry = 0;
  let polled = null; // revision at the last poll
  const channel = "BroadcastChannel" in window ? new BroadcastChannel(LOCK) : null;

  function become(next) {
    if (next === state && last === said) return;
    state = next;
    said = last;
    for (const listener of states) listener({ state, revision: last, since: heard });
  }

  // -- what is told to the page

  function gather({ all = false, base = false, layers = {}, tables = {} }) {
    pending ??= { all: false, base: false, layers: new Map(), tables: new Map() };
    pending.all ||= all;
    pending.base ||= base;
    for (const [into, from] of [[pending.layers, layers], [pending.tables, tables]]) {
      for (const [name, ids] of Object.entries(from)) {
        const known = into.get(name);
        into.set(name, ids === null || known === null ? null : new Set([...(known ?? []), ...ids]));
      }
    }
    gathering ||= setTimeout(tell, GATHER_MS);
  }

  function tell() {
    gathering = 0;
    if (!pending || document.hidden) return;
    const found = pending;
    pending = null;
    for (const listener of listeners) listener(found);
  }

  // -- what the stream says, in whichever tab it ends

  function take(name, data) {
    heard = Date.now();
    switch (name) {
      case "hello":
        beatMs = data.beat_s * 1000;
        if (data.drawn !== drawn || data.role !== role || data.revision < last) gather({ all: true });
        ({ drawn, role } = data);
        if (data.revision < last) last = data.revision;
        polled = null;
        break;
      case "change":
        if (data.revision <= last) break;
        gather(data.since > last ? { all: true } : data);
        last = data.revision;
        break;
      case "drawn":
        if (data.drawn !== drawn) gather({ all: true });
        drawn = data.drawn;
        break;
      case "reset":
        gather({ all: true });
        last = data.revision;
        break;
      default:
    }
    if (name !== "end") become("live");
  }

  function lose() {
    if (state === "live" || state === "") become("lost");
  }

  // -- the tab that listens

  function open() {
    clearTimeout(retry);
    retry = 0;
    source?.close();
    source = new EventSource(`${ADDRESS}?last_event_id=${last}`);
    const mine = source;
    for (const name of NAMES) {
      mine.addEventListener(name, ({ data }) => {
        if (mine !== source) return;
        refused = 0;
        const value = JSON.parse(data);
        take(name, value);
        channel?.postMessage({ name, value });
      });
    }
    mine.onerror = () => {
      if (mine !== source) return;
      lose();
      channel?.postMessage({ name: "lost" });
      // A browser gives up a stream that was refused, and waits long for one that broke twice.
      again();
    };
  }

  function again() {
    source?.close();
    source = null;
    if (retry || !release) return;
    const wait = AGAIN_MS[Math.min(refused, AGAIN_MS.length - 1)];
    refused += 1;
    retry = setTimeout(open, wait);
  }

  function lead() {
    return new Promise((resolve) => {
      release = resolve;
      open();
    });
  }

  function follows() {
    clearTimeout(retry);
    retry = 0;
    release = null;
    source?.close();
    source = null;
  }

  function request(options = {}) {
    // Taken from this tab by another one, or given back: wait for it again.
    navigator.locks.request(LOCK, options, lead).catch(() => {}).then(() => { follows(); request(); });
  }

  channel?.addEventListener("message", ({ data: { name, value } }) => {
    if (name === "hail") {
      if (release && state === "live") channel.postMessage({ name: "here", value: { last } });
    } else if (name === "here") {
      heard = Date.now();
      if (value.last > last) {
        gather({ all: true });
        last = value.last;
      }
      if (!release) become("live");
    } else if (name === "lost") {
      if (!release) lose();
    } else if (!release) take(name, value);
  });

  if (navigator.locks && channel) {
    request();
    channel.postMessage({ name: "hail" });
  } else lead();

  // -- when it is silent

  async function poll() {
    try {
      const status = await ask("status", {}, { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (state === "live") return;
      heard = Date.now();
      if (status.revision !== (polled ?? last)) gather({ all: true });
      polled = status.revision; // `last` stays: the stream tells again from there
      states.forEach((listener) => listener({ state: "polled", revision: status.revision, since: heard }));
      state = "polled";
    } catch (error) {
      if (error.details?.code !== "offline" && error.name !== "TimeoutError") console.warn(error);
      if (state !== "live") become("lost");
    }
  }

  let next = 0;
  setInterval(() => {
    if (document.hidden) return;
    if (state === "live" && Date.now() - heard > 3 * beatMs) {
      lose();
      if (release) again();
      else if (navigator.locks) request({ steal: true }); // the tab that should listen is asleep
    }
    if (state !== "live" && Date.now() >= next) {
      next = Date.now() + POLL_MS;
      poll();
    }
  }, 1_000);

  function wake() {
    if (document.hidden) return;
    tell();
    if (state !== "live" && release) {
      refused = 0;
      clearTimeout(retry);
      open();
    }
  }
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("offline", () => {
    lose();
    if (release) again();
  });
  // Kept for "back", a page hears nothing; it starts anew when it is shown.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) { gather({ all: true }); if (release) open(); }
  });
}
