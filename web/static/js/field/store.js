/**
 * What the phone keeps in the browser's database: what was entered and has to be sent, answers to read offline, facts.
 * Entries and answers belong to the account that made or asked them.
 */

import { openDB } from "../../vendor/idb/index.js";

const CHANGED = "onemap-field"; // the channel on which tabs and worker tell each other that the queue changed

let opened = null;

function database() {
  opened ??= openDB("onemap-field", 1, {
    upgrade(db) {
      db.createObjectStore("entries", { keyPath: "id", autoIncrement: true });
      db.createObjectStore("answers", { keyPath: ["account", "name"] });
      db.createObjectStore("facts");
    },
    terminated() { opened = null; },
  });
  return opened;
}

const channel = "BroadcastChannel" in self ? new BroadcastChannel(CHANGED) : null;
const listeners = new Set();
channel?.addEventListener("message", () => { for (const listener of listeners) listener(); });

/** Be told when the queue changed, here or in another tab. */
export function onQueue(listener) { listeners.add(listener); }

function told() {
  channel?.postMessage("queue");
  for (const listener of listeners) listener();
}

/** Put an entry at the end of the queue; its number. */
export async function addEntry(entry) {
  const id = await (await database()).add("entries", entry);
  told();
  return id;
}

/** Every entry of the phone, the oldest first, whoever made it. */
export async function allEntries() { return (await database()).getAll("entries"); }

/** An entry as it is now; undefined where it is gone. */
export async function entryOf(id) { return (await database()).get("entries", id); }

/** Note something about an entry, in one transaction. */
export async function changeEntry(id, fields) {
  const transaction = (await database()).transaction("entries", "readwrite");
  const found = await transaction.store.get(id);
  if (found) await transaction.store.put({ ...found, ...fields });
  await transaction.done;
  told();
}

export async function dropEntry(id) {
  await (await database()).delete("entries", id);
  told();
}

/** Keep an answer of the server in the place of the one before. */
export async function keepAnswer(account, name, body, at) {
  await (await database()).put("answers", { account, name, body, at });
}

/** {body, at} of a kept answer; undefined where there is none. */
export async function answerOf(account, name) { return (await database()).get("answers", [account, name]); }

/** Forget every kept answer; what was entered stays. */
export async function forgetAnswers() { await (await database()).clear("answers"); }

export async function setFact(name, value) { await (await database()).put("facts", value, name); }
export async function fact(name) { return (await database()).get("facts", name); }
