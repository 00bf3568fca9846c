/** What the devices of a place said last, how long ago, and what they call for. */

import { config, t } from "./config.js";
import { el } from "./dom.js";
import { ageSince, quantity, stamp } from "./format.js";

function reading(field, { name, type, value, state, unit, measured_utc: measured, alarm }) {
  const said = state ? field.choices[state] : `${quantity(value)} ${unit}`.trim();
  return el(
    "li", { title: name }, `${field.choices[type]}${config.lang === "zh" ? ": " : " "}`,
    measured ? [el("strong", {}, said), el("span", { class: "kind", title: stamp(measured) }, ` ${ageSince(measured)}`)] : el("span", { class: "kind" }, t("readings.none")),
    alarm ? el("span", { class: "badge none" }, field.choices[alarm]) : null,
  );
}

/** A list of readings; what the map drew comes back as text. */
export function readings(field, value) {
  const list = typeof value === "string" ? JSON.parse(value) : value;
  return el("ul", { class: "readings" }, list.map((one) => reading(field, one)));
}
