/** The wall of a command centre: what needs somebody, what changed, beside the map; nothing is entered here. */

import { ask, newest } from "./api.js";
import { config, t } from "./config.js";
import { el, show } from "./dom.js";
import { ageSince, clockTime, count, listed, stamp } from "./format.js";
import { onChange, onState } from "./live.js";
import { failure } from "./notice.js";

const RENEW_MS = 30_000; // what is late or computed for now grows without a change
const GATHER_MS = 1_500; // changes of one moment ask once
const TICK_MS = 1_000;
const MOST_ROWS = 9; // under one figure

export const isWall = () => document.documentElement.dataset.screen === "wall";

/** Month, day, hour and minute: the year and the seconds of a row tell nobody anything at three metres. */
const short = (utc) => stamp(utc).slice(5);

export async function makeWall({ view, layers }) {
  const node = (id) => document.getElementById(`wall-${id}`);
  const [figures, list] = [node("figures"), node("list")];
  const wall = newest((signal) => ask("wall", { lang: config.lang }, { signal }));
  const since = newest((signal) => ask("since", { lang: config.lang }, { signal }));
  let told = null; // what the server said of the figures
  let changes = null;
  let chosen = ""; // the figure whose rows are on the map
  let renewing = 0;

  const features = (rows) => rows.filter((row) => row.geometry).map(({ geometry, id }) => ({ type: "Feature", properties: { id }, geometry }));

  function sinceText(utc) {
    return utc ? t("wall.since", { time: short(utc), age: ageSince(utc) }) : "";
  }

  function figure(one, most) {
    const rows = one.tone ? one.rows.slice(0, most) : [];
    const left = one.count - rows.length;
    const facts = [one.said, one.source, one.updated_utc ? t("layers.updated", { age: ageSince(one.updated_utc) }) : ""].filter(Boolean).join(" · ");
    return el(
      "button", { type: "button", class: `figure ${one.tone}`, id: `figure-${one.id}`, "aria-pressed": String(chosen === one.id), onclick: () => choose(one.id) },
      el("span", { class: "value" }, count(one.value), el("span", { class: "unit" }, one.unit)),
      el("span", { class: "name" }, one.title, one.tone ? el("span", { class: "said" }, facts) : null),
      rows.length ? el("ul", { class: "figure-rows" }, rows.map((row) => el("li", {}, el("span", { class: "what" }, row.title), el("span", { class: "when" }, row.since_utc ? t("wall.from", { time: short(row.since_utc) }) : row.amount))),
        left ? el("li", {}, t("wall.more", { n: left })) : null) : null,
    );
  }

  function drawFigures() {
    const focused = figures.contains(document.activeElement) ? document.activeElement.id : "";
    const rank = { bad: 0, warn: 1, "": 2 };
    const ordered = [...told.figures].sort((a, b) => rank[a.tone] - rank[b.tone]);
    // As many rows under each as all figures together have room for; where there is none even so, the large ones shrink.
    const fits = (most, isTight) => {
      figures.classList.toggle("tight", isTight);
      show(figures, ordered.map((one) => figure(one, most)));
      return figures.scrollHeight <= figures.clientHeight;
    };
    let most = MOST_ROWS;
    while (most >= 0 && !fits(most, false)) most -= 1;
    if (most < 0) fits(0, true);
    if (focused) document.getElementById(focused)?.focus();
  }

  function drawAge() {
    if (!told) return;
    const withheld = told.withheld.length ? el("span", { class: "withheld" }, t(config.visitor.logged_in ? "wall.withheld" : "wall.withheld_visitor", { names: listed(told.withheld) })) : null;
    show(node("age"), t("wall.as_of", { time: clockTime(new Date(told.at)), revision: told.revision, age: ageSince(told.at) }), withheld);
  }

  /** A line of the list: of what changed, or of the rows behind a figure. */
  function line({ tone, title, detail, time, onclick }) {
    return el(
      "li", { class: tone },
      el("button", { type: "button", disabled: !onclick, onclick }, el("span", { class: "head" }, el("span", { class: "name" }, title), el("time", {}, time)), el("span", { class: "kind" }, detail)),
    );
  }

  /** Lines that do not fit are counted, never cut in silence. */
  function fit(total) {
    const bottom = list.getBoundingClientRect().bottom;
    const out = [...list.children].filter((child) => child.getBoundingClientRect().bottom > bottom + 1);
    for (const child of out) child.remove();
    node("more").textContent = total > list.children.length ? t("wall.more", { n: total - list.children.length }) : "";
  }

  function drawList() {
    const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement);
    const one = told?.figures.find(({ id }) => id === chosen);
    node("more").textContent = "​"; // its room is taken before the lines are measured
    if (one) {
      node("list-title").textContent = `${one.title} · ${count(one.value)} ${one.unit}`;
      show(list, one.rows.map((row) => line({
        tone: one.tone, title: row.title, detail: [row.detail, sinceText(row.since_utc)].filter(Boolean).join(" · "), time: row.since_utc ? "" : row.amount,
        onclick: row.geometry ? () => view.show(features([row]), { maxZoom: 15 }) : null,
      })));
      fit(one.count);
    } else if (changes) {
      node("list-title").textContent = t("since.count", { n: count(changes.count), time: short(changes.since) });
      show(list, changes.rows.length ? changes.rows.map((row) => line({
        tone: row.tone, title: row.title, detail: row.detail, time: short(row.recorded_utc),
        onclick: row.place ? () => { view.place(row.place); view.fly(row.place, 14); } : null,
      })) : el("li", {}, t("since.none")));
      fit(Math.max(changes.count, 1));
    }
    if (focused >= 0) list.querySelectorAll("button")[focused]?.focus();
  }

  /** The rows of a figure on the map and in the list; once more, and the list of changes is back. */
  function choose(id) {
    chosen = chosen === id ? "" : id;
    point({ fit: true });
    drawFigures();
    drawList();
  }

  function point({ fit: isFitted = false } = {}) {
    const one = told.figures.find((figure_) => figure_.id === chosen);
    const found = one ? features(one.rows) : [];
    view.hint(found);
    for (const id of one?.layers ?? []) layers.set(id, true);
    if (isFitted && found.length) view.show(found, { maxZoom: 14 });
    if (isFitted && !one && config.bounds) view.map.fitBounds(config.bounds, { padding: 24, duration: 0 });
  }

  async function renew() {
    clearTimeout(renewing);
    renewing = 0;
    try {
      const [of, changed] = await Promise.all([wall(), since()]);
      if (!of || !changed) return;
      told = of;
      changes = changed;
      drawFigures();
      drawList();
      drawAge();
      if (chosen) point();
    } catch (error) {
      // What stands there stays, with its age; the bar says that the connection is lost.
      if (!told) show(figures, failure(error, renew));
    }
  }

  function tick() {
    const now = new Date();
    node("clock").textContent = `${stamp(now).slice(0, 10)} ${clockTime(now)}`;
    node("clock").setAttribute("datetime", now.toISOString());
    drawAge();
  }

  onChange(() => { renewing ||= setTimeout(renew, GATHER_MS); });
  onState(({ state, since: heard }) => {
    node("connection").textContent = state === "lost" ? t("wall.lost", { time: clockTime(new Date(heard)) }) : t(state === "live" ? "wall.live" : "wall.polled");
  });
  new ResizeObserver(() => { if (told) { drawFigures(); drawList(); } }).observe(list);
  setInterval(renew, RENEW_MS);
  setInterval(tick, TICK_MS);
  tick();
  await renew();
  // Where a link does not say what is shown, marks that need nobody are left out.
  if (!config.view && told) await layers.only(told.figures.flatMap((one) => one.layers));
}
