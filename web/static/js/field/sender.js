/**
 * Sends what was entered, in order, once: the same in an open page and in the service worker.
 *
 * One sends at a time in all of the browser. Each entry carries the key that was made with it, so that one whose answer
 * was lost happens once. The token of a change belongs to one session: who logs in meanwhile cannot lend a name to it.
 */

import { allEntries, changeEntry, entryOf, setFact } from "./store.js";

const ROOT = "/api/v1";
const LOCK = "onemap-field-send";
const PATIENCE_MS = 20_000;
const DAY_MS = 86_400_000;
const LATER = new Set([408, 425, 429, 502, 503, 504]); // the server will take it another time

/** Do something while nobody sends. */
export const exclusively = (work) => (navigator.locks ? navigator.locks.request(LOCK, work) : work());

async function fetched(path, options = {}) {
  return fetch(`${ROOT}/${path}`, { ...options, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS), headers: { Accept: "application/json", ...options.headers } });
}

/** Who the server takes this browser for: {state: "known" | "login" | "offline", ...}. */
async function who() {
  let response;
  try {
    response = await fetched("who");
  } catch {
    return { state: "offline" };
  }
  if (response.status === 401 || response.status === 403) return { state: "login" };
  if (!response.ok) return { state: "offline" };
  const found = await response.json();
  // Told late: by then the server's clock has gone on, so that no entry lies in its future.
  await setFact("ahead_ms", Date.now() - Date.parse(found.now));
  return { ...found, state: found.logged_in ? "known" : "login" };
}

async function problemOf(response) {
  try {
    return { status: response.status, ...(await response.json()) };
  } catch {
    return { status: response.status, code: "internal", detail: `${response.status} ${response.statusText}` };
  }
}

const refuse = (entry, problem) => changeEntry(entry.id, { state: "refused", problem, answered_utc: new Date().toISOString() });

const posted = (entry, { csrf }) => fetched(entry.path, {
  method: "POST",
  headers: { "Content-Type": "application/json", "Idempotency-Key": entry.key, [csrf.header]: csrf.token },
  body: JSON.stringify(entry.body),
});

/** Note what the server said to an entry. */
async function answered(entry, response) {
  if (!response.ok) return refuse(entry, await problemOf(response));
  const [reason] = (await response.json()).refused ?? [];
  if (reason) return refuse(entry, { code: "not-taken", detail: reason.reason, said: reason.said });
  return changeEntry(entry.id, { state: "sent", answered_utc: new Date().toISOString(), problem: null });
}

/** Send one entry: "done" when the server has answered it, else why not. */
async function sendOne(entry, asked) {
  if (entry.tried_utc && Date.now() - Date.parse(entry.tried_utc) > asked.keep_keys_days * DAY_MS) {
    // The server has forgotten the key: it could not tell a second time from a first.
    await refuse(entry, { code: "key-forgotten" });
    return "done";
  }
  await changeEntry(entry.id, { tried_utc: entry.tried_utc ?? new Date().toISOString() });
  try {
    let response = await posted(entry, asked);
    if (response.status === 403) {
      // Not permitted, or the session is another one by now, of which the token is not.
      const now = await who();
      if (now.state !== "known") return now.state;
      if (now.id !== asked.id) return "changed";
      response = await posted(entry, now);
    }
    if (response.status === 401) return "login";
    if (LATER.has(response.status)) return "offline";
    await answered(entry, response);
    return "done";
  } catch (error) {
    if (error.name === "QuotaExceededError") throw error;
    return "offline";
  }
}

async function send() {
  const asked = await who();
  const account = asked.id ?? null;
  if (asked.state !== "known") return { outcome: asked.state, account };
  for (const { id } of (await allEntries()).filter((entry) => entry.account === asked.id && entry.state === "waiting")) {
    const entry = await entryOf(id);
    if (entry?.state !== "waiting") continue;
    const outcome = await sendOne(entry, asked);
    if (outcome !== "done") return { outcome, account };
  }
  return { outcome: "done", account };
}

/**
 * Send what waits of whoever is logged in: {outcome, account}. The outcome is "done", "offline", "login" (nobody is logged
 * in), or "changed" (somebody else is, since just now).
 */
export const sendWaiting = () => exclusively(send);
