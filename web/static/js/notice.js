/** Loading, empty and error states, the same everywhere. */

import { config, t } from "./config.js";
import { el } from "./dom.js";

export const loading = (text) => el("p", { class: "loading", role: "status" }, el("span", { class: "spinner", "aria-hidden": "true" }), text ?? t("loading"));
export const empty = (text) => el("p", { class: "empty" }, text);

/** What went wrong, and what to do; `again` is called by the button. */
export function failure(error, again) {
  const details = error.details ?? { code: "internal", detail: String(error.message ?? error) };
  const remedy = config.texts[`remedy.${details.code}`] ?? t("remedy.other");
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("strong", {}, config.texts[`problem.${details.code}`] ?? details.title ?? t("problem.other")),
    el("p", {}, details.said ?? details.detail),
    el("p", { class: "hint" }, remedy),
    details.code === "unauthenticated" ? el("p", {}, el("a", { href: `/login?next=${encodeURIComponent(location.pathname + location.search)}` }, t("login"))) : null,
    again ? el("button", { type: "button", onclick: again }, t("again")) : null,
  );
}
