/** Questions to the server; tells listeners when the connection is lost and when it is back. */

import { config, t } from "./config.js";

const ROOT = "/api/v1";
const listeners = new Set();
const farewells = new Set();
let lastAnswer = Date.now();
let online = true;

/** A refusal by the server, with its problem details. */
export class Problem extends Error {
  constructor(details) {
    super(details.detail ?? details.title);
    this.details = details;
  }
}

/** Be told {online, since} on every change of the connection. */
export function onConnection(listener) {
  listeners.add(listener);
}

/** Be told when whoever was logged in no longer is. */
export function onLoggedOut(listener) {
  farewells.add(listener);
}

function connection(isOnline) {
  if (isOnline) lastAnswer = Date.now();
  if (isOnline === online) return;
  online = isOnline;
  for (const listener of listeners) listener({ online, since: lastAnswer });
}

/** The response of the server where it accepts the request; throws Problem. */
async function answered(url, options) {
  let response;
  try {
    response = await fetch(url, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    connection(false);
    throw new Problem({ code: "offline", title: t("error.offline"), detail: t("error.offline.detail") });
  }
  connection(true);
  if (response.ok) return response;
  let details = { code: "internal", title: response.statusText, detail: `${response.status} ${response.statusText}` };
  try {
    details = await response.json();
  } catch {
    /* not JSON: the status line must do */
  }
  const problem = new Problem(details);
  if (details.code === "unauthenticated" && config.visitor.logged_in) for (const listener of farewells) listener(problem);
  throw problem;
}

/** A key for one change: sent again with the same key, it happens once. */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function sent(method, path, body, { key, query } = {}) {
  const headers = { [config.csrf.header]: config.csrf.token };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  return answered(addressOf(path, query), { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

/** Have the server do something; the answer is JSON. Throws Problem. */
export async function send(method, path, body, { key } = {}) {
  return (await sent(method, path, body, { key })).json();
}

/** Have the server make a file of something that is too long for an address. Throws Problem. */
export async function fileOf(path, query, body) {
  return (await sent("POST", path, body, { query })).blob();
}

/** The part of an address behind the question mark; lists repeat their name, what is empty is left out. */
export function searchText(query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, one);
  }
  return search.toString();
}

/** The address of a question to the API. */
export function addressOf(path, query = {}) {
  const text = searchText(query);
  return `${path.startsWith("/") ? path : `${ROOT}/${path}`}${text ? `?${text}` : ""}`;
}

/**
 * Ask for JSON; `query` values may be lists. Throws Problem.
 * With `tag` (the ETag known already) the answer is {same: true} or {tag, body}.
 */
export async function ask(path, query = {}, { signal, tag } = {}) {
  const response = await answered(addressOf(path, query), { signal });
  if (tag === undefined) return response.json();
  const newTag = response.headers.get("ETag") ?? "";
  return newTag && newTag === tag ? { same: true } : { tag: newTag, body: await response.json() };
}

/** Runs questions of one kind so that only the newest answer counts. */
export function newest(run) {
  let control = null;
  return async (...values) => {
    control?.abort();
    const mine = new AbortController();
    control = mine;
    try {
      const answer = await run(mine.signal, ...values);
      return control === mine ? answer : undefined;
    } catch (error) {
      if (error.name === "AbortError" || control !== mine) return undefined;
      throw error;
    }
  };
}
