/** The place that is asked about or reported: where the phone is, or what was chosen on the map. */

import { t } from "../config.js";
import { el, show } from "../dom.js";
import { degrees, metres } from "../format.js";

const FIX = { enableHighAccuracy: true, timeout: 20_000, maximumAge: 10_000 };
const POOR_M = 200; // above it a fix is no place on a road

let place = null;
let centre = null;
const listeners = new Set();

/** {lonlat, by: "phone" | "map", accuracy_m}; null before one is chosen. */
export const chosen = () => place;
export function onPlace(listener) { listeners.add(listener); }
/** Say where the middle of the map is. */
export function centreFrom(read) { centre = read; }

export function choose(next) {
  place = next;
  for (const listener of listeners) listener(place);
}

const FAILED = { 1: "field.fix.denied", 2: "field.fix.none", 3: "field.fix.late" };

/** Where the phone is; the promise is refused with a sentence. */
function located() {
  if (!window.isSecureContext) return Promise.reject(new Error(t("field.fix.insecure")));
  if (!navigator.geolocation) return Promise.reject(new Error(t("field.fix.none")));
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lonlat: [coords.longitude, coords.latitude], by: "phone", accuracy_m: coords.accuracy }),
      ({ code }) => reject(new Error(t(FAILED[code] ?? "field.fix.none"))), FIX,
    );
  });
}

function said() {
  if (!place) return t("field.place.none");
  const accuracy = place.accuracy_m == null ? null : t("field.place.accuracy", { m: metres(place.accuracy_m) });
  return [t(place.by === "phone" ? "field.place.phone" : "field.place.map"), degrees(place.lonlat), accuracy].filter(Boolean).join(" · ");
}

/** The place as it is, with the ways to choose another one. */
export function placePicker() {
  const line = el("p", { class: "place" });
  const problem = el("p", { class: "failure", role: "alert", hidden: true });
  const isPoor = el("p", { class: "warning", hidden: true }, t("field.place.poor"));

  function draw() {
    show(line, said());
    isPoor.hidden = !(place?.accuracy_m > POOR_M);
  }

  async function locate(event) {
    const button = event.currentTarget;
    button.disabled = true;
    problem.hidden = true;
    try {
      choose(await located());
    } catch (error) {
      problem.textContent = `${error.message} ${t("field.fix.instead")}`;
      problem.hidden = false;
    }
    button.disabled = false;
  }

  onPlace(draw);
  draw();
  return el(
    "div", { class: "picker" }, line, isPoor, problem,
    el("div", { class: "actions" },
      el("button", { type: "button", onclick: locate }, t("field.place.locate")),
      el("button", { type: "button", onclick: () => { problem.hidden = true; choose({ lonlat: centre(), by: "map", accuracy_m: null }); } }, t("field.place.centre"))),
  );
}
