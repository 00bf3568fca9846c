/** Answers of the server, and those of before where it cannot be asked; each says of when it is. */

import { ask } from "../api.js";
import { config } from "../config.js";
import { answerOf, keepAnswer } from "./store.js";

export const PATIENCE_MS = 30_000;
const listeners = new Set();
const times = new Map(); // name -> when the answer that is shown was given
let isFull = false;

/** Be told {oldest, isFull} when an answer came, or could not be kept. */
export function onKept(listener) { listeners.add(listener); }

export function storageIsFull() {
  isFull = true;
  tell();
}

function tell() {
  const oldest = Math.min(...times.values());
  for (const listener of listeners) listener({ oldest: Number.isFinite(oldest) ? oldest : null, isFull });
}

async function keep(name, body, at) {
  try {
    await keepAnswer(config.visitor.id, name, body, at);
  } catch (error) {
    if (error.name !== "QuotaExceededError") throw error;
    storageIsFull();
  }
}

/** {body, at, live}: the server's answer, kept; else the one kept before. Throws Problem where there is neither. */
export async function keptAnswer(path, query = {}) {
  const name = `${path} ${JSON.stringify(query)}`;
  let found;
  try {
    const body = await ask(path, query, { signal: AbortSignal.timeout(PATIENCE_MS) });
    found = { body, at: Date.now(), live: true };
    await keep(name, body, found.at);
  } catch (error) {
    if (error.details && !["offline", "internal", "unavailable", "unauthenticated"].includes(error.details.code)) throw error;
    const before = await answerOf(config.visitor.id, name);
    if (!before) throw error;
    found = { body: before.body, at: before.at, live: false };
  }
  times.set(name, found.at);
  tell();
  return found;
}
