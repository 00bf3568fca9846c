/**
 * The service worker: keeps the page of the field and its files, and the tiles of what was looked at.
 *
 * Every other page and every answer of the API goes to the server and to nothing else. Files have their version in
 * their address; those of the page that is kept stay until a page of another version is.
 */

import { sendWaiting } from "./sender.js";
import { forgetAnswers } from "./store.js";

const PAGE = "/field";
const PAGES = "field-page";
const TILES = "field-tiles";
const MAX_TILES = 4_000; // about 60 MB; bound included
const PATIENCE_MS = 5_000; // a weak network is as good as none when the page is kept
const KEEP = "X-Onemap-Keep";

export function start({ version, files }) {
  const own = `field-files-${version}`;

  async function keepFiles() {
    const cache = await caches.open(own);
    await cache.addAll(files);
    await self.skipWaiting();
  }

  /** Keep the page where it is of this version; then the files of others are of no use. */
  async function keepPage(response) {
    if (!response.ok || response.redirected || response.headers.get("X-Field-Version") !== version) return;
    await (await caches.open(PAGES)).put(PAGE, response);
    for (const name of await caches.keys()) if (name.startsWith("field-files-") && name !== own) await caches.delete(name);
  }

  async function begin() {
    await self.clients.claim();
    try {
      await keepPage(await fetch(PAGE, { headers: { Accept: "text/html" }, cache: "no-store" }));
    } catch {
      // Offline: the page is kept the next time.
    }
  }

  async function page(event) {
    const kept = await caches.match(PAGE, { cacheName: PAGES, ignoreVary: true });
    const asked = fetch(event.request);
    try {
      const response = await (kept ? Promise.race([asked, late()]) : asked);
      event.waitUntil(keepPage(response.clone()).catch(() => {}));
      if (response.status >= 500 && kept) return kept;
      return response;
    } catch {
      asked.catch(() => {});
      return kept ?? without();
    }
  }

  const late = () => new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), PATIENCE_MS); });

  /** What stands in the place of a page that is not kept. */
  async function without() {
    const text = await (await caches.match(files.find((name) => name.endsWith("/field_offline.html")))).text();
    const body = text.replaceAll("{files}", `/field/files/${version}`);
    return new Response(body, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'" } });
  }

  const file = async (request) => (await caches.match(request, { ignoreVary: true })) ?? fetch(request);

  let put = 0;
  async function keepTile(request, response) {
    const cache = await caches.open(TILES);
    try {
      await cache.delete(request, { ignoreVary: true }); // the newest stand at the end
      await cache.put(request, response);
      put += 1;
      if (put % 50 !== 1) return;
      const keys = await cache.keys();
      await Promise.all(keys.slice(0, Math.max(0, keys.length - MAX_TILES)).map((key) => cache.delete(key)));
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      for (const client of await self.clients.matchAll()) client.postMessage({ name: "full" });
    }
  }

  async function tile(event) {
    const asked = fetch(event.request);
    const kept = await caches.match(event.request, { cacheName: TILES, ignoreVary: true });
    try {
      const response = await (kept ? Promise.race([asked, late()]) : asked);
      if (response.ok) event.waitUntil(keepTile(event.request, response.clone()));
      else if (kept && response.status >= 500) return kept;
      return response;
    } catch (error) {
      asked.catch(() => {});
      if (kept) return kept;
      throw error;
    }
  }

  /** Who logs out leaves nothing to read behind; what waits to be sent stays for the account. */
  async function forget() {
    await Promise.all([caches.delete(PAGES), caches.delete(TILES), forgetAnswers()]);
  }

  /** A log-in or a log-out; what is kept of the account before goes first, so that the next page is that of the next. */
  async function changeAccount(event, clear) {
    const response = await fetch(event.request);
    if (response.ok || response.type === "opaqueredirect") await clear();
    return response;
  }

  self.addEventListener("install", (event) => event.waitUntil(keepFiles()));
  self.addEventListener("activate", (event) => event.waitUntil(begin()));
  self.addEventListener("sync", (event) => {
    event.waitUntil(sendWaiting().then(({ outcome }) => { if (outcome === "offline") throw new Error("offline"); }));
  });
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (url.origin !== self.location.origin) return;
    if (request.method === "POST") {
      const clear = { "/login": () => caches.delete(PAGES), "/logout": forget }[url.pathname];
      if (clear) event.respondWith(changeAccount(event, clear));
    } else if (request.mode === "navigate") {
      event.respondWith(url.pathname === PAGE ? page(event) : fetch(request).catch(without));
    } else if (url.pathname.startsWith("/field/files/")) event.respondWith(file(request));
    else if (request.headers.get(KEEP) === "tile") event.respondWith(tile(event));
  });
}
