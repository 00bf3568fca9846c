/** The moment that every question is asked about: now, or one that was chosen. */

import { config, t } from "./config.js";
import { stamp } from "./format.js";

const mode = document.getElementById("when-mode");
const time = document.getElementById("when-time");
const listeners = new Set();

/** The value of the parameter `at`; null for now. Without an offset it is the district's local time. */
export const at = () => (mode.value === "fixed" && time.value ? time.value : null);

/** How an answer's own moment is said. */
export const said = (answer) => (at() ? t("when.fixed", { time: stamp(answer.at) }) : t("when.now"));

export function onMoment(listener) {
  listeners.add(listener);
}

/** Ask about another moment, as if somebody had chosen it; null for now. */
export function setMoment(moment) {
  if ((moment ?? null) === at()) return;
  mode.value = moment ? "fixed" : "now";
  if (moment) time.value = moment;
  shown();
  for (const listener of listeners) listener();
}

function localNow() {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: config.timezone, dateStyle: "short", timeStyle: "short" }).format(new Date());
  return parts.replace(" ", "T");
}

function shown() {
  time.hidden = mode.value !== "fixed";
  document.body.classList.toggle("fixed-moment", mode.value === "fixed");
}

mode.addEventListener("change", () => {
  shown();
  if (mode.value === "fixed") {
    time.value ||= localNow();
    time.focus();
  }
  for (const listener of listeners) listener();
});
time.addEventListener("change", () => { for (const listener of listeners) listener(); });
