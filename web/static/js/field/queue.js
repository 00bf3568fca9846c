/** What was entered on this phone: waiting, sent or refused; and what can be done about it. */

import { freshKey } from "../api.js";
import { config, t } from "../config.js";
import { el, show } from "../dom.js";
import { stamp } from "../format.js";
import { loginLink } from "./login.js";
import { exclusively, sendWaiting } from "./sender.js";
import { addEntry, allEntries, changeEntry, dropEntry, entryOf, fact, onQueue } from "./store.js";

const SYNC = "onemap-field-send";
const SENT_FOR_MS = 3 * 86_400_000; // what was sent is shown for three days
const AGAIN_MS = 30_000;

/** Now, by the server's clock as far as the phone knows it. */
async function moment() {
  return new Date(Date.now() - ((await fact("ahead_ms")) ?? 0)).toISOString();
}

/** An entry with a key of its own: `path` and what `body` makes of the moment of the entry, `title` for people. */
async function made({ kind, path, body, title, subject, form, moment_utc }) {
  const entered = await moment();
  return {
    key: freshKey(), account: config.visitor.id, kind, path, title, subject, form, body: body(moment_utc ?? entered), entered_utc: entered,
    state: "waiting", tried_utc: null, answered_utc: null, problem: null,
  };
}

/** Enter something. It is in the queue when the promise is kept, and sent when there is a network. */
export async function enter(what) {
  await addEntry(await made(what));
  navigator.storage?.persist?.();
  try {
    await (await navigator.serviceWorker?.getRegistration())?.sync?.register(SYNC);
  } catch {
    // Not permitted here: it is sent when the page is open.
  }
  push();
}

/** Why something could not be entered. */
export const notEntered = (error) => (error.name === "QuotaExceededError" ? t("field.full.entry") : t("field.not_entered", { why: error.message }));

/** What waits or was refused of an account, and how much of others. */
export async function pending() {
  const entries = await allEntries();
  const mine = entries.filter((entry) => entry.account === config.visitor.id);
  return { mine, others: entries.filter((entry) => entry.account !== config.visitor.id && entry.state !== "sent") };
}

let outcome = "done";
const outcomes = new Set();
export function onOutcome(listener) { outcomes.add(listener); }

/** Try to send what waits. */
export async function push() {
  const sent = await sendWaiting();
  // The page is of one account; whoever else has logged in meanwhile gets a page of their own.
  outcome = sent.account && sent.outcome !== "login" && sent.account !== config.visitor.id ? "changed" : sent.outcome;
  for (const listener of outcomes) listener(outcome);
}

/** Send at the start, when the network is back, when the page is shown, and now and then while something waits. */
export function keepSending() {
  window.addEventListener("online", push);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) push(); });
  setInterval(async () => {
    if (!document.hidden && (await pending()).mine.some((entry) => entry.state === "waiting")) push();
  }, AGAIN_MS);
  push();
}

const reason = ({ code, said, detail }) => (code === "key-forgotten" ? t("field.refused.key") : said ?? detail ?? code ?? "");
const remedy = ({ code, status }) => {
  if (code === "key-forgotten") return t("field.remedy.key");
  if (code === "forbidden") return t("field.remedy.forbidden");
  return status >= 500 ? t("field.remedy.again") : t("field.remedy.mend");
};

/** The list; `mend` opens the form of an entry with what was entered. */
export function makeQueue(root, { mend }) {
  let asking = null; // the entry that is about to be discarded

  /** Do something to an entry as long as it has not been sent. */
  async function unlessSent(id, work) {
    await exclusively(async () => {
      const entry = await entryOf(id);
      if (entry && entry.state !== "sent") await work(entry);
    });
    push();
  }

  function actions(entry) {
    if (entry.state === "sent") return null;
    if (asking === entry.id) {
      return el("div", { class: "actions" },
        el("button", { type: "button", class: "danger", onclick: () => unlessSent(entry.id, () => dropEntry(entry.id)) }, t("field.queue.discard.sure")),
        el("button", { type: "button", onclick: () => { asking = null; draw(); } }, t("field.queue.keep")));
    }
    return el("div", { class: "actions" },
      entry.form ? el("button", { type: "button", onclick: () => mend(entry) }, t("field.queue.mend")) : null,
      entry.state === "refused" && entry.problem?.code !== "key-forgotten"
        ? el("button", { type: "button", onclick: () => unlessSent(entry.id, () => changeEntry(entry.id, { state: "waiting", problem: null })) }, t("field.queue.again")) : null,
      el("button", { type: "button", onclick: () => { asking = entry.id; draw(); } }, t("field.queue.discard")));
  }

  function card(entry) {
    return el(
      "li", { class: `entry ${entry.state}`, "data-state": entry.state },
      el("p", { class: "line" }, el("strong", {}, entry.title), el("span", { class: "state" }, t(`field.state.${entry.state}`))),
      el("p", { class: "kind" }, t("field.queue.entered", { time: stamp(entry.entered_utc) }), entry.answered_utc && entry.state === "sent" ? ` · ${t("field.queue.sent", { time: stamp(entry.answered_utc) })}` : null),
      entry.state === "refused" ? el("div", { class: "failure" }, el("p", {}, reason(entry.problem)), el("p", { class: "hint" }, remedy(entry.problem))) : null,
      actions(entry),
    );
  }

  async function draw() {
    const { mine, others } = await pending();
    const accounts = [...new Set(others.map((entry) => entry.account))];
    show(
      root,
      outcome === "login" && mine.some((entry) => entry.state === "waiting") ? el("p", { class: "warning" }, t("field.login.needed"), " ", loginLink()) : null,
      mine.length ? el("ul", { class: "entries" }, [...mine].reverse().map(card)) : el("p", { class: "empty" }, t("field.queue.empty")),
      accounts.map((account) => el("p", { class: "warning" }, t("field.queue.others", { account, n: others.filter((entry) => entry.account === account).length }))),
    );
  }

  /** What was sent long ago is no news. */
  async function prune() {
    for (const entry of (await pending()).mine) {
      if (entry.state === "sent" && Date.now() - Date.parse(entry.answered_utc) > SENT_FOR_MS) await dropEntry(entry.id);
    }
  }

  onQueue(draw);
  onOutcome(draw);
  prune().then(draw);
  return {
    draw,
    /** Put a mended entry in the place of the one before, in one step. */
    replace: (id, next) => unlessSent(id, async () => changeEntry(id, await made(next))),
  };
}
