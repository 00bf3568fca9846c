/** The coverage summary: share, uncovered places with their reason, streets without a team. */

import { ask, newest } from "./api.js";
import { drawCharts } from "./charts.js";
import { config, t } from "./config.js";
import { el, show, table } from "./dom.js";
import { count, listed, minutesOnly, percent, stamp } from "./format.js";
import { at } from "./moment.js";
import { empty, failure, loading } from "./notice.js";

const MAX_LISTED = 200;

export function makeCoverage(root, { view, layers, onAsked }) {
  const places = document.getElementById("coverage-places");
  const limit = document.getElementById("coverage-limit");
  const skill = document.getElementById("coverage-skill");
  let stale = true;
  const query = newest((signal) => ask("coverage", { places: places.value, limit: limit.value, skill: skill.value, at: at() }, { signal }));

  function meter(share) {
    const fill = el("span");
    fill.style.width = `${100 * (share ?? 0)}%`;
    return el("div", { class: "meter", "aria-hidden": "true" }, fill);
  }

  function uncovered(answer, features) {
    const missing = answer.places.filter((place) => !place.covered);
    if (!missing.length) return el("p", { class: "fine" }, t("coverage.all_covered"));
    const at_ = new Map(features.map((feature) => [feature.properties.id, feature]));
    const rows = missing.slice(0, MAX_LISTED).map((place) => {
      const feature = at_.get(place.id);
      const name = place.name ?? place.id;
      return [
        feature ? el("button", { type: "button", class: "link", onclick: () => view.fly(middle(feature.geometry), 13) }, name) : name,
        place.street ?? "—", count(place.persons), config.reasons[place.reason] ?? place.reason ?? "—", minutesOnly(place.total_s),
      ];
    });
    return [
      table(t("coverage.uncovered", { n: count(missing.length) }), [t("coverage.col.name"), t("coverage.col.street"), t("coverage.col.persons"), t("coverage.col.reason"), t("coverage.col.quickest")], rows, { numeric: [2, 4], classes: "uncovered" }),
      missing.length > MAX_LISTED ? el("p", { class: "hint" }, `+ ${count(missing.length - MAX_LISTED)}`) : null,
    ];
  }

  function streets(answer) {
    const rows = answer.by_street.map((row) => el(
      "tr", { class: row.street && row.teams === 0 ? "no-team" : null },
      el("th", { scope: "row" }, row.street ?? "—"), el("td", { class: "num" }, count(row.persons)),
      el("td", { class: "num" }, percent(row.covered_share)), el("td", { class: "num" }, row.street && row.teams === 0 ? el("span", { class: "badge none" }, "0") : count(row.teams)),
    ));
    const bare = answer.streets_without_team ?? answer.by_street.filter((row) => row.teams === 0).map((row) => row.street);
    return [
      bare.length ? el("p", { class: "warn-box" }, t("coverage.no_team_streets", { names: listed(bare) })) : el("p", { class: "fine" }, t("coverage.all_streets")),
      table(t("coverage.by_street"), [t("coverage.col.street"), t("coverage.col.persons"), t("coverage.col.share"), t("coverage.col.teams")], rows, { numeric: [1, 2, 3] }),
    ];
  }

  /** How many persons are reached within how many minutes: the proof rows, one step each. */
  function reached({ places: all, totals, limit_s: limit_ }) {
    if (!totals.persons) return null;
    const times = all.filter((place) => place.total_s !== null && place.persons > 0).sort((a, b) => a.total_s - b.total_s);
    let persons = 0;
    const points = [[0, 0], ...times.map((place) => [place.total_s / 60, persons += place.persons])];
    const label = t("coverage.curve", { covered: count(totals.covered_persons), limit: Math.round(limit_ / 60), all: count(totals.persons) });
    return el("div", { class: "chart", role: "img", "aria-label": label, "data-chart": JSON.stringify({
      x: { name: t("coverage.curve.minutes"), values: null }, y: { name: t("coverage.curve.persons"), from_zero: true }, label,
      series: [{ name: t("coverage.curve.reached"), points, form: "step", is_stacked: false, is_bound: false }],
      marks: [{ x: limit_ / 60, name: t("coverage.curve.limit", { limit: Math.round(limit_ / 60) }) }],
    }) });
  }

  async function refresh() {
    stale = false;
    show(root, loading(t("coverage.working")));
    try {
      const answer = await query();
      if (!answer) return;
      if (answer.totals.places === 0) {
        view.hint([]);
        show(root, empty(t("coverage.no_places")));
        return;
      }
      const collection = places.value === "cells" ? null : await layers.collection(places.value);
      const features = collection?.features ?? [];
      const missing = new Set(answer.places.filter((place) => !place.covered).map((place) => place.id));
      view.hint(features.filter((feature) => missing.has(feature.properties.id)));
      const { totals } = answer;
      show(
        root,
        el(
          "div", { class: "headline" },
          el("strong", { class: "share", id: "coverage-share" }, percent(totals.persons ? totals.covered_share : totals.covered_places / totals.places)),
          el("span", {}, t("coverage.share", { limit: Math.round(answer.limit_s / 60) })),
          meter(totals.covered_share),
          el("p", { class: "numbers" },
            el("span", { id: "coverage-persons" }, t("coverage.persons", { covered: count(totals.covered_persons), all: count(totals.persons) })), " · ",
            el("span", { id: "coverage-count" }, t("coverage.places", { covered: count(totals.covered_places), all: count(totals.places) }))),
          el("p", { class: "hint" }, t("coverage.computed", { time: stamp(answer.at), revision: answer.revision })),
        ),
        reached(answer),
        uncovered(answer, features),
        streets(answer),
      );
      drawCharts(root);
    } catch (error) {
      show(root, failure(error, refresh));
    }
  }
  for (const control of [places, limit, skill]) control.addEventListener("change", () => { refresh(); onAsked(); });
  document.getElementById("coverage-form").addEventListener("submit", (event) => event.preventDefault());

  return {
    /** What is asked, as a view says it. */
    written: () => ({ places: places.value, limit_s: Number(limit.value), ...(skill.value ? { skill: skill.value } : {}) }),
    restore(wanted) {
      const seconds = wanted.limit_s;
      const known = [...limit.options].find(({ value }) => Number(value) === seconds);
      (known ?? limit.appendChild(el("option", { value: seconds }, t("coverage.curve.limit", { limit: Number((seconds / 60).toFixed(1)) })))).selected = true;
      places.value = wanted.places;
      skill.value = wanted.skill ?? "";
      this.outdated(!root.closest("[role=tabpanel]").hidden);
    },
    /** The panel is opened: compute unless it is up to date. */
    open() { if (stale) refresh(); },
    close() { view.hint([]); stale = true; },
    /** The data or the moment changed. */
    outdated(isShown) {
      stale = true;
      if (isShown) refresh();
    },
  };
}

function middle(geometry) {
  if (geometry.type === "Point") return geometry.coordinates;
  const points = geometry.coordinates.flat(geometry.type === "MultiPolygon" ? 2 : 1);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}
