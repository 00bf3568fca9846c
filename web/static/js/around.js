/** Around an incident: what lies within metres or within minutes of driving; sums first, then the rows by distance. */

import { ask, newest, searchText } from "./api.js";
import { config, t } from "./config.js";
import { el, show, table } from "./dom.js";
import { age, attribute, count, degrees, km, listed, metres, minutes, percent, quantity } from "./format.js";
import { at, said } from "./moment.js";
import { empty, failure, loading } from "./notice.js";
import { makeOverlay } from "./overlay.js";

const KINDS = ["enterprises", "shelters", "teams", "depots", "hospitals", "lifelines", "evacuation_routes"];
const SHOWN = 40; // rows of a kind before the rest is asked for
const joined = (parts) => parts.filter(Boolean).join(" · ");

export function makeAround(root, { view, layers, isShown, onMeasure }) {
  const form = document.getElementById("around-form");
  const by = document.getElementById("around-by");
  const bound = document.getElementById("around-bound");
  const unit = document.getElementById("around-unit");
  const place = document.getElementById("around-place");
  const kept = { radius_m: bound.value, minutes: "5" }; // what was typed for the other measure
  let here = null;
  let name = "";
  let drawn = { area: null, rows: [] };

  const ring = makeOverlay(view.map, "around-area", [
    { type: "fill", paint: { "fill-color": "var(--around)", "fill-opacity": 0.08 } },
    { type: "line", paint: { "line-color": "var(--around)", "line-width": 2.5, "line-dasharray": [3, 1.5] } },
  ]);
  const found = makeOverlay(view.map, "around-found", [
    { top: true, type: "circle", paint: { "circle-radius": ["case", ["get", "chosen"], 14, 10], "circle-color": "var(--clear)", "circle-stroke-color": ["case", ["get", "chosen"], "var(--around)", "var(--here)"], "circle-stroke-width": ["case", ["get", "chosen"], 4, 2] } },
    { top: true, type: "symbol", filter: ["!=", ["get", "icon"], ""], layout: { "icon-image": ["get", "icon"], "icon-allow-overlap": true } },
  ]);

  const question = () => ({ at: here.join(","), [by.value]: bound.value, when: at() });
  const query = newest((signal, asked) => ask("around", asked, { signal }));
  const areaOf = newest((signal, asked) => ask("around/area", asked, { signal }));

  /** The mark of a row whose layer is switched off; of those that are on the map already a ring is enough. */
  function icon(row) {
    if (layers.isOn(row.kind)) return "";
    const legend = layers.find(row.kind)?.legend ?? [];
    const mark = legend[Math.max(0, Object.keys(config.risk_levels).indexOf(row.attributes.risk_level))];
    return mark ? `mark:${mark.shape}:${mark.color}:${mark.size ?? 11}` : "";
  }

  function paint(chosen = null) {
    if (!isShown()) return;
    ring.draw([[drawn.area]]);
    const points = drawn.rows.filter((row) => row.kind !== "evacuation_routes" || row === chosen);
    found.draw(points.map((row) => [{ type: "Point", coordinates: row.place }, { chosen: row === chosen, icon: row.kind === "evacuation_routes" ? "" : icon(row) }]));
  }

  function go(row) {
    paint(row);
    view.fly(row.place, 15);
  }

  /** A sum: its number, what it counts, and where that comes from. */
  function sum(title, value, note, table, classes = "") {
    return el("li", { class: `sum ${classes}` }, el("span", { class: "label" }, title), el("strong", {}, value), note ? el("span", { class: "kind" }, note) : null, table ? el("span", { class: "kind origin" }, t("row.origin", { source: table.source ?? "—", age: age(table.age_s) })) : null);
  }

  function sums({ summary: s, sources }) {
    const levels = Object.entries(s.enterprises.by_level).filter(([, n]) => n).map(([level, n]) => el("span", { class: `level ${level}` }, `${config.risk_levels[level] ?? t("around.level_unknown")} ${count(n)}`));
    const roads = s.roads.by_class.map((row) => `${config.road_classes[row.class]} ${km(row.length_m)}`);
    const day = s.persons.day === null ? t("around.no_day") : t("around.persons", { n: count(s.persons.day) });
    return el(
      "ul", { class: "sums" },
      sum(t("around.night"), t("around.persons", { n: count(s.persons.resident) }), s.persons.villages.length ? t("around.of_villages", { n: s.persons.villages.length }) : null, sources.village),
      sum(t("around.day"), day, s.persons.day_unknown ? t("around.day_unknown", { n: s.persons.day_unknown }) : null, sources.village),
      sum(t("around.enterprises"), count(s.enterprises.count), [levels, " ", t("around.workers", { n: count(s.enterprises.workers_on_shift) })], sources.enterprise),
      sum(config.layers.shelters, count(s.shelters.count), t("around.shelter_sum", { n: count(s.shelters.serving), places: count(s.shelters.places) }), sources.shelter),
      sum(config.layers.teams, count(s.teams.count), t("around.on_duty", { n: count(s.teams.on_duty) }), sources.team),
      sum(config.layers.depots, count(s.depots.count), t("around.item_kinds", { n: count(s.depots.items.length) }), sources.depot),
      sum(config.layers.hospitals, count(s.hospitals.count), t("around.beds", { n: count(s.hospitals.beds) }), sources.hospital),
      sum(t("around.schools"), count(s.lifelines.schools.count), t("around.persons", { n: count(s.lifelines.schools.capacity) }), sources.lifeline),
      sum(config.layers.roads, km(s.roads.length_m), roads.join(" · "), sources.road, "wide"),
    );
  }

  /** What the sums are made of: villages, skills, substances, items. */
  function proofs({ summary: s }) {
    const skills = s.teams.by_skill.map((row) => [config.skills[row.skill] ?? row.skill, `${row.on_duty} / ${row.teams}`]);
    const villages = s.persons.villages.map((row) => [row.name ?? row.id, percent(row.share), count(row.resident), count(row.day), t(`around.basis.${row.basis}`)]);
    const substances = s.enterprises.substances.map((row) => [row.name, `${quantity(row.quantity_t)} t`, count(row.enterprises)]);
    const items = s.depots.items.map((row) => [row.name, `${quantity(row.available)} ${row.unit}`, count(row.depots)]);
    const part = (title, rows, head, numeric) => (rows.length ? el("details", {}, el("summary", {}, `${title} (${rows.length})`), table(null, head, rows, { numeric })) : null);
    return [
      part(t("around.by_skill"), skills, [t("around.col.skill"), t("around.col.duty")], [1]),
      part(t("around.substances"), substances, [t("around.col.substance"), t("around.col.quantity"), t("around.col.enterprises")], [1, 2]),
      part(t("around.items"), items, [t("around.col.item"), t("around.col.available"), t("around.col.depots")], [1, 2]),
      part(t("around.by_village"), villages, [t("around.col.village"), t("around.col.share"), t("around.night"), t("around.day"), t("around.col.basis")], [1, 2, 3]),
    ];
  }

  /** What one row says of itself besides its name. */
  function about(row) {
    const fields = Object.fromEntries((layers.find(row.kind)?.fields ?? []).map((field) => [field.name, field]));
    const said = (field) => (fields[field] && ![null, undefined, ""].includes(row.attributes[field]) ? attribute(fields[field], row.attributes[field]) : null);
    const own = {
      enterprises: () => [said("risk_level"), said("categories"), row.substances ? listed(row.substances.map((one) => `${one.name} ${quantity(one.quantity_t)} t`)) : undefined],
      shelters: () => [row.out ? t("around.out", { reason: config.shelter_reasons[row.out] ?? row.out }) : t("around.places", { n: count(row.places) }), said("class")],
      teams: () => [row.attributes.on_duty ? t("around.duty") : t("around.no_duty"), said("skills")],
      depots: () => [said("level"), row.items.length ? t("around.item_kinds", { n: count(row.items.length) }) : t("around.no_items")],
      hospitals: () => [row.attributes.beds ? t("around.beds", { n: count(row.attributes.beds) }) : null],
      lifelines: () => [said("type"), row.attributes.capacity ? `${quantity(row.attributes.capacity)} ${row.attributes.capacity_unit ?? ""}`.trim() : null],
      evacuation_routes: () => [said("width_m")],
    }[row.kind]?.() ?? [];
    return joined([...own, said("contact"), said("phone")]);
  }

  function line(row) {
    return el("li", {}, el(
      "button", { type: "button", class: "nearest", onclick: () => go(row) },
      el("span", { class: "name" }, row.name ?? row.id), el("span", { class: "value" }, joined([metres(row.distance_m), row.total_s === null ? t("around.no_route") : minutes(row.total_s)])),
      el("span", { class: "kind" }, about(row)),
    ));
  }

  function rows(kind, answer) {
    const own = answer.facilities.filter((row) => row.kind === kind);
    if (!own.length) return null;
    const list = el("ul", { class: "rows" }, own.slice(0, SHOWN).map(line));
    const more = own.length > SHOWN
      ? el("button", { type: "button", class: "plain", onclick: ({ target }) => { list.append(...own.slice(SHOWN).map(line)); target.remove(); list.children[SHOWN].querySelector("button").focus(); } }, t("around.more", { n: own.length - SHOWN }))
      : null;
    return el("details", { open: own.length <= 8 }, el("summary", {}, `${config.layers[kind]} (${own.length})`), list, more);
  }

  function print() {
    return `/api/v1/around/sheet?${searchText({ ...question(), lang: config.lang })}`;
  }

  function draw(answer) {
    const where = [answer.street, answer.village].filter(Boolean).join(" · ");
    show(
      root,
      el("div", { class: "where" }, el("h3", { tabindex: -1 }, t(answer.minutes === undefined ? "around.title_m" : "around.title_min", { n: quantity(answer.minutes ?? answer.radius_m) })), el("p", {}, joined([name ? where : null, said(answer), t("around.revision", { revision: answer.revision })]))),
      sums(answer),
      el("p", { class: "link-line" }, el("a", { href: print(), target: "_blank", rel: "noopener" }, t("around.print"))),
      proofs(answer),
      answer.count ? el("div", { class: "lists" }, KINDS.map((kind) => rows(kind, answer))) : empty(t("around.none")),
      el("p", { class: "hint" }, t("around.note")),
    );
  }

  async function run({ isStill = false } = {}) {
    if (!here) return show(root, empty(t("around.no_place")));
    if (!bound.reportValidity()) return undefined;
    const asked = question();
    show(root, loading(t("around.working")));
    drawn = { area: null, rows: [] };
    paint();
    try {
      // The numbers do not wait for the outline.
      const outline = areaOf(asked);
      outline.catch(() => {}); // told below, when the numbers are there
      const answer = await query(asked);
      if (!answer) return undefined;
      drawn.rows = answer.facilities;
      draw(answer);
      paint();
      const area = await outline;
      if (!area) return undefined;
      drawn.area = area.geometry;
      paint();
      if (area.geometry && isShown() && !isStill) view.show([area]);
    } catch (error) {
      show(root, failure(error, () => run()));
    }
    return undefined;
  }

  by.addEventListener("change", () => {
    kept[by.value === "minutes" ? "radius_m" : "minutes"] = bound.value;
    measured(kept[by.value]);
    if (here) run();
  });
  bound.addEventListener("change", onMeasure);
  function measured(value) {
    bound.value = value;
    bound.max = by.value === "minutes" ? 180 : 100_000;
    unit.textContent = t(`around.unit.${by.value}`);
    onMeasure();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });

  return {
    /** Take a place over without asking. */
    place(lonlat, text = "") {
      here = lonlat;
      name = text;
      place.textContent = joined([text, degrees(lonlat)]);
      place.classList.add("chosen");
    },
    /** Ask about a place; `isStill` leaves the map where it is. */
    about(lonlat, text = "", { isStill = false } = {}) {
      this.place(lonlat, text);
      view.place(lonlat, text);
      return run({ isStill });
    },
    /** How far around is asked, as a view holds it; null while it is none. */
    written: () => (bound.value && bound.checkValidity() ? { [by.value]: Number(bound.value) } : null),
    restore(measure) {
      [by.value] = Object.keys(measure);
      measured(String(measure[by.value]));
    },
    /** The panel is opened: what it drew is drawn again; a place that is chosen already is asked about. */
    open() {
      if (here && !drawn.rows.length && !drawn.area) run();
      else paint();
    },
    close() {
      ring.clear();
      found.clear();
    },
    /** Ask again (another moment). */
    again() { if (here) run(); },
  };
}
