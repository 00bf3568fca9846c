/** A place: where it is, who gets to it and when, split into its parts; the nearest hospital and shelter. */

import { ask, newest } from "./api.js";
import { config, t } from "./config.js";
import { el, show, table } from "./dom.js";
import { age, count, degrees, km, metres, minutes, minutesOnly } from "./format.js";
import { at, said } from "./moment.js";
import { failure, loading } from "./notice.js";

const PARTS = ["handling", "turnout", "travel", "last_leg"];

/** Street and village of an answer. */
const areaOf = ({ street, village }) => [street, village].filter(Boolean).join(" · ");

/** Where a row comes from and how old it is. */
export const origin = ({ source, age_s }) => t("row.origin", { source: source ?? "—", age: age(age_s) });

export function makeReach(root, { view, onSupply, onAround, onPlace, isShown }) {
  let lines = []; // the route of the first team
  let shown = null; // the place that the panel is about
  const query = newest((signal, place) => ask("reach", { at: place.join(","), when: at() }, { signal }));
  const path = newest((signal, from, to) => ask("route", { from: from.join(","), to: to.join(","), at: at() }, { signal }));

  function bar(team, longest) {
    const node = el("div", { class: "split", "aria-hidden": "true" });
    for (const part of PARTS) {
      const piece = el("span", { class: `part ${part}` });
      piece.style.width = `${(100 * team[`${part}_s`]) / longest}%`;
      node.append(piece);
    }
    return node;
  }

  function teams(answer) {
    if (!answer.teams.length) return el("p", { class: "empty" }, t("reach.no_teams"));
    const longest = Math.max(...answer.teams.map((team) => team.total_s));
    const head = [t("reach.col.team"), ...PARTS.map((part) => t(`reach.col.${part}`)), t("reach.col.total")];
    const rows = answer.teams.flatMap((team, k) => [
      el(
        "tr", {},
        el("th", { scope: "row", title: t("reach.order", { n: k + 1 }) }, `${k + 1}. ${team.name ?? team.team_id}`),
        PARTS.map((part) => el("td", { class: "num" }, minutesOnly(team[`${part}_s`]))),
        el("td", { class: "num total" }, minutesOnly(team.total_s)),
      ),
      el("tr", { class: "bars" }, el("td", { colspan: 6 }, bar(team, longest), el("span", { class: "kind" }, [config.team_types[team.type] ?? team.type, team.distance_m === null ? null : km(team.distance_m), origin(team)].filter(Boolean).join(" · ")))),
    ]);
    return [
      table(t("reach.teams"), head, rows, { numeric: [1, 2, 3, 4, 5], classes: "teams" }),
      el("ul", { class: "parts" }, PARTS.map((part) => el("li", {}, el("span", { class: `part ${part}` }), t(`reach.col.${part}`)))),
      el("p", { class: "hint" }, t("reach.minutes_note")),
    ];
  }

  function nearest(facility, missing, extra) {
    if (!facility) return el("p", { class: "empty" }, missing);
    return el(
      "button", { type: "button", class: "nearest", onclick: () => view.fly(facility.place) },
      el("span", { class: "name" }, facility.name ?? facility.id), el("span", { class: "value" }, minutes(facility.total_s)),
      el("span", { class: "kind" }, [extra, t("reach.split", { travel: minutesOnly(facility.travel_s), leg: minutesOnly(facility.last_leg_s) }), origin(facility)].filter(Boolean).join(" · ")),
    );
  }

  /** Where it is: street and village, road, coordinates with their datum. */
  function where(answer, name) {
    const area = areaOf(answer);
    const { road, metric } = answer;
    return el(
      "div", { class: "where" },
      el("h3", {}, name || area || t("place.here")),
      el("p", {}, [name ? area : null, said(answer)].filter(Boolean).join(" · ")),
      el("p", { class: "coordinates" }, t("reach.degrees", { place: degrees(answer.place), datum: answer.datum }), " · ", t("reach.metric", { epsg: metric.epsg, x: count(metric.x_m), y: count(metric.y_m) })),
      road ? el("p", {}, t("reach.road", { name: road.name ?? config.road_classes[road.class], far: metres(road.distance_m) })) : el("p", { class: "warn" }, t("reach.no_road")),
    );
  }

  /** The nearer shelters that do not serve, with the reason. */
  function passedOver(answer) {
    if (!answer.shelters_out.length) return null;
    return el("ul", { class: "passed" }, answer.shelters_out.map((one) => el("li", {}, t("reach.shelter_out", { name: one.name ?? one.id, reason: config.shelter_reasons[one.out] ?? one.out, min: minutes(one.total_s) }))));
  }

  function verdict(answer) {
    const limit = Math.round(answer.limit_s / 60);
    if (answer.covered) return el("p", { class: "verdict yes" }, el("span", { "aria-hidden": "true" }, "✓ "), t("reach.covered", { limit }), answer.teams.length ? el("strong", {}, minutes(answer.teams[0].total_s)) : null);
    return el(
      "p", { class: "verdict no" }, el("span", { "aria-hidden": "true" }, "✕ "), t("reach.uncovered", { limit }),
      answer.reason ? el("strong", {}, config.reasons[answer.reason] ?? answer.reason) : null,
    );
  }

  function draw(answer, name, cards) {
    const places = answer.shelter ? t("reach.places", { n: count(answer.shelter.places), stay: config.stays[answer.shelter.stay] ?? answer.shelter.stay }) : null;
    show(
      root,
      where(answer, name),
      verdict(answer),
      teams(answer),
      cards.length ? el("div", { class: "cards popup" }, cards) : null,
      el("h4", {}, t("reach.hospital")), nearest(answer.hospital, t("reach.no_hospital")),
      el("h4", {}, t("reach.shelter")), nearest(answer.shelter, t("reach.no_shelter"), places), passedOver(answer),
      el("div", { class: "actions" },
        el("button", { type: "button", class: "plain", id: "reach-around", onclick: () => onAround(answer.place, name || areaOf(answer)) }, t("around.go")),
        el("button", { type: "button", class: "plain", onclick: onSupply }, t("popup.supply"))),
    );
  }

  async function about(place, name = "", cards = []) {
    shown = { place, name, cards };
    view.place(place, name);
    onPlace(place, name);
    show(root, loading(t("reach.working")));
    lines = [];
    view.routes(lines);
    try {
      const answer = await query(place);
      if (!answer) return;
      const known = name || areaOf(answer);
      if (known) onPlace(place, known);
      draw(answer, name, cards);
      const first = answer.teams[0];
      if (!first?.place) return;
      const found = await path(first.place, place);
      lines = found?.geometry ? [{ coordinates: found.geometry.coordinates }] : [];
      if (isShown()) view.routes(lines);
    } catch (error) {
      show(root, failure(error, () => about(place, name, cards)));
    }
  }

  return {
    about,
    /** Draw again what the answer drew. */
    redraw() { view.routes(lines); },
    /** Ask again (another moment, newer data). */
    again() { if (shown) about(shown.place, shown.name, shown.cards); },
  };
}
