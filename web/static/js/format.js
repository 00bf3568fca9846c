/** Values as a person reads them. */

import { config, t } from "./config.js";

const locale = config.lang === "zh" ? "zh-CN" : "en-GB";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const moment = new Intl.DateTimeFormat("zh-CN", {
  timeZone: config.timezone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
});
const clock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: config.timezone, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});

export const NONE = "—";
const known = (value) => value !== null && value !== undefined && Number.isFinite(Number(value));

export const count = (value) => (known(value) ? whole.format(value) : NONE);
export const quantity = (value) => (known(value) ? fine.format(value) : NONE);
export const oneDecimal = (value) => (known(value) ? oneDigit.format(value) : NONE);
/** Names in a row, as the language of the page parts them. */
export const listed = (names) => names.join(config.lang === "zh" ? "、" : ", ");
/** A share in percent; what is not the whole is never shown as the whole. */
export const percent = (value) => (known(value) ? share.format(value < 1 ? Math.min(value, 0.9999) : value) : NONE);
/** Seconds as minutes with one digit. */
export const minutes = (seconds) => (known(seconds) ? t("unit.min", { n: oneDigit.format(seconds / 60) }) : NONE);
export const minutesOnly = (seconds) => (known(seconds) ? oneDigit.format(seconds / 60) : NONE);
export const km = (metres) => (known(metres) ? `${oneDigit.format(metres / 1000)} km` : NONE);
export const metres = (value) => (known(value) ? (value >= 10_000 ? km(value) : `${whole.format(value)} m`) : NONE);
export const degrees = ([lon, lat]) => `${lon.toFixed(5)}, ${lat.toFixed(5)}`;

/** A time in the district's own time zone. */
export function stamp(value) {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? NONE : moment.format(date).replaceAll("/", "-");
}
export const clockTime = (date) => clock.format(date);

/** How long ago, in the largest fitting unit. */
export function age(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds < 90) return t("age.now");
  if (seconds < 5400) return t("age.min", { n: Math.round(seconds / 60) });
  if (seconds < 129_600) return t("age.hour", { n: Math.round(seconds / 3600) });
  return t("age.day", { n: Math.round(seconds / 86_400) });
}

/** How long ago a moment was (a date, a text or milliseconds). */
export const ageSince = (moment_) => age((Date.now() - new Date(moment_).getTime()) / 1000);

/** A unit as it is printed: m2 is m². */
export const printedUnit = (unit) => unit.replace(/m2\b/g, "m²").replace(/m3\b/g, "m³");

/** One attribute by its declared field. */
export function attribute(field, value) {
  if (value === null || value === undefined || value === "") return NONE;
  switch (field.type) {
    case "choice":
      return field.choices[value] ?? String(value);
    case "choices": {
      const codes = Array.isArray(value) ? value : String(value).split(";");
      return listed(codes.filter(Boolean).map((code) => field.choices[code.trim()] ?? code)) || NONE;
    }
    case "boolean":
      return value === true || value === 1 || value === "true" ? t("yes") : t("no");
    case "minutes":
      return minutes(value);
    case "datetime":
      return stamp(value);
    case "integer":
    case "number":
      return known(value) ? `${quantity(value)}${field.unit ? ` ${printedUnit(field.unit)}` : ""}` : String(value);
    default:
      return `${value}${field.unit ? ` ${printedUnit(field.unit)}` : ""}`;
  }
}
