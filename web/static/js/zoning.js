/** Risk zoning for the planner: run a scheme, read it, ask why, compare two runs. */

import { ask, newest, send } from "./api.js";
import { config, may, t } from "./config.js";
import { el, show, table } from "./dom.js";
import { ageSince, count, degrees, metres, oneDecimal, percent, printedUnit, quantity, stamp } from "./format.js";
import { CHANGES } from "./map.js";
import { empty, failure, loading } from "./notice.js";

const POLL_MS = 150;
const MAX_LISTED = 100;
const KINDS = ["enterprises", "shelters", "teams", "depots"];
const FILES = ["report.html", "units.csv", "model.csv", "streets.csv", "zoning.gpkg", "level.tif", "index.tif"];
const SHEETS = [["A3", 100000, "pdf"], ["A1", 50000, "pdf"], ["A3", 100000, "png"]];
const CHANGE_TEXTS = { "-2": "zoning.change.down2", "-1": "zoning.change.down1", 1: "zoning.change.up1", 2: "zoning.change.up2", 9: "zoning.change.data" };
const DIMENSIONS = ["exposure", "vulnerability", "capacity"];

const said = (text) => (text === null || text === undefined ? "" : typeof text === "string" ? text : text[config.lang] || text.zh);
const levelOf = (level) => config.zoning.levels[String(level)];
const digits = (value) => (value === null || value === undefined ? "—" : value === 0 ? "0" : Number(value).toPrecision(3));
const oldness = (stampUtc) => (stampUtc ? ageSince(stampUtc) : "—");

/** A level as its colour and its name: never colour alone. */
function chip(level, { short = false } = {}) {
  const known = levelOf(level);
  return el("span", { class: "level" }, swatch(known.color), short ? String(level || "—") : known.name);
}

function swatch(colour) {
  const found = el("span", { class: "swatch", "aria-hidden": "true" });
  found.style.background = colour;
  return found;
}

export function makeZoning({ view, layers, isShown }) {
  const $ = (id) => document.getElementById(id);
  const scheme = $("zoning-scheme");
  const drawn = $("zoning-layer");
  const summaryRoot = $("zoning-summary");
  const explainRoot = $("zoning-explain");
  const jobRoot = $("zoning-job");
  const runButton = $("zoning-run");
  const told = new Map(); // scheme -> the summary that is shown
  const before = new Map(); // layer -> was it on before this panel was opened
  let sorted = { key: "level_persons", down: true };
  let job = null;
  let asked = null; // what the explanation is about
  const summaryOf = newest((signal, id) => ask(`zoning/${id}/summary`, {}, { signal }));
  const explanationOf = newest((signal, id, query) => ask(`zoning/${id}/explain`, query, { signal }));
  const current = () => config.zoning.schemes.find((one) => one.id === scheme.value);
  const hazardTitle = (id) => current().hazards[id] ?? id ?? "—";

  const first = () => current().layers[0][0];

  // -- what is drawn ------------------------------------------------------------------------------

  function fillChoices() {
    const kept = drawn.value;
    const options = (named) => named.map(([id, title]) => el("option", { value: id }, title));
    show(
      drawn,
      options(current().layers),
      el("optgroup", { label: t("zoning.single") }, options(current().hazard_layers)),
      el("optgroup", { label: t("zoning.together") }, options(config.zoning.combined)),
      el("option", { value: "" }, t("zoning.draw_nothing")),
    );
    const all = [...drawn.options].map((one) => one.value);
    drawn.value = all.includes(kept) && kept !== "" ? kept : first();
  }

  /** One zoning layer at a time: two sets of areas on top of each other cannot be read. */
  function draw() {
    view.change();
    for (const id of config.zoning.area_layers) {
      if (!before.has(id)) before.set(id, layers.isOn(id));
      layers.set(id, id === drawn.value);
    }
  }

  /** Points would cover the areas, and the enterprises' four colours are not the levels' colours. */
  function clear() {
    for (const { id, geometry } of layers.all()) {
      if (geometry !== "point" || !layers.isOn(id)) continue;
      before.set(id, true);
      layers.set(id, false);
    }
  }

  function undraw() {
    view.change();
    for (const [id, isOn] of before) layers.set(id, isOn || (layers.isOn(id) && !config.zoning.area_layers.includes(id)));
    before.clear();
  }

  // -- run ----------------------------------------------------------------------------------------

  function phaseOf(text) {
    if (text.startsWith("hazard ")) return t("zoning.phase_hazard", { name: hazardTitle(text.slice(7)) });
    return config.texts[`zoning.phase.${text}`] ?? text;
  }

  function drawJob(state) {
    const bar = el("progress", { max: 1, value: state.share, "aria-label": t("zoning.running") });
    show(
      jobRoot,
      el("div", { class: "job" },
        bar,
        el("p", { class: "hint", role: "status" }, phaseOf(state.phase), state.remaining_s === null ? null : ` · ${t("zoning.remaining", { n: Math.max(1, Math.ceil(state.remaining_s)) })}`),
        el("button", { type: "button", class: "plain", id: "zoning-cancel", onclick: cancel }, t("zoning.cancel"))),
    );
  }

  async function cancel() {
    if (!job) return;
    try {
      await send("DELETE", `zoning/jobs/${job}`);
    } catch (error) {
      show(jobRoot, failure(error));
    }
  }

  async function follow(state) {
    job = state.job;
    runButton.disabled = true;
    try {
      let now = state;
      while (now.state === "running") {
        drawJob(now);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        now = await ask(`zoning/jobs/${now.job}`);
      }
      if (now.state === "done") {
        show(jobRoot, el("p", { class: "fine" }, t("zoning.done", { n: oneDecimal(now.seconds) })));
        told.delete(now.scheme);
        await Promise.all([layers.refresh(), summarize()]);
        draw();
        if (asked) explain(asked);
      } else if (now.state === "cancelled") show(jobRoot, el("p", { class: "warn-box" }, t("zoning.cancelled")));
      else show(jobRoot, failure({ details: { code: "input", title: t("zoning.failed"), detail: now.error } }));
    } catch (error) {
      show(jobRoot, failure(error));
    }
    job = null;
    runButton.disabled = false;
    runButton.focus();
  }

  async function run() {
    if (job) return;
    try {
      await follow(await send("POST", "zoning/runs", { scheme: scheme.value }));
    } catch (error) {
      show(jobRoot, failure(error));
    }
  }

  // -- the result ---------------------------------------------------------------------------------

  function bars(answer) {
    const most = Math.max(1, ...answer.levels.map((row) => row.persons));
    const rows = answer.levels.filter((row) => row.level > 0 || row.units > 0).map((row) => {
      const bar = el("span", { class: "bar-fill" });
      bar.style.width = `${(100 * row.persons) / most}%`;
      bar.style.background = levelOf(row.level).color;
      return el(
        "tr", {}, el("th", { scope: "row" }, chip(row.level)),
        el("td", { class: "wide", "aria-hidden": "true" }, el("span", { class: "bar-track" }, bar)),
        el("td", { class: "num" }, count(row.persons)),
        el("td", { class: "num" }, quantity(Math.round(row.area_km2 * 10) / 10)),
      );
    });
    return table(t("zoning.by_level"), [t("zoning.col.level"), "", t("zoning.col.persons"), "km²"], rows, { numeric: [2, 3], classes: "levels" });
  }

  function exposure(answer) {
    const rows = answer.levels.filter((row) => row.level > 0 || KINDS.some((kind) => row[kind] > 0)).map((row) => [chip(row.level), ...KINDS.map((kind) => count(row[kind]))]);
    return table(t("zoning.exposed"), [t("zoning.col.level"), ...KINDS.map((kind) => config.texts[`zoning.kind.${kind}`])], rows, { numeric: [1, 2, 3, 4], classes: "exposed" });
  }

  const COLUMNS = [
    { key: "street", head: "zoning.col.street" },
    { key: "level_persons", head: "zoning.col.by_persons" },
    { key: "level_area", head: "zoning.col.by_area" },
    { key: "high_share", head: "zoning.col.high_share" },
    { key: "persons", head: "zoning.col.persons" },
    { key: "dominant", head: "zoning.col.dominant" },
  ];

  function streets(answer) {
    const sign = sorted.down ? -1 : 1;
    const value = (row) => (sorted.key === "dominant" ? hazardTitle(row.dominant) : row[sorted.key]);
    const rows = [...answer.streets].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const first = typeof x === "string" || typeof y === "string" ? String(x ?? "").localeCompare(String(y ?? ""), "zh") : (x ?? -1) - (y ?? -1);
      return sign * first || (b.high_share ?? 0) - (a.high_share ?? 0) || a.street.localeCompare(b.street, "zh");
    });
    const sortBy = (key) => {
      sorted = { key, down: sorted.key === key ? !sorted.down : key !== "street" && key !== "dominant" };
      const fresh = streets(answer);
      document.querySelector(".zoned-streets").replaceWith(fresh);
      fresh.querySelector(`[data-key="${key}"]`).focus();
    };
    const head = COLUMNS.map(({ key, head: name }, k) => el(
      "th", { scope: "col", class: [1, 2, 3, 4].includes(k) ? "num" : null, "aria-sort": sorted.key === key ? (sorted.down ? "descending" : "ascending") : null },
      el("button", { type: "button", class: "sort", "data-key": key, onclick: () => sortBy(key) }, t(name), el("span", { "aria-hidden": "true" }, sorted.key === key ? (sorted.down ? " ▾" : " ▴") : "")),
    ));
    return el(
      "div", { class: "zoned-streets scroll-x" },
      el("table", {},
        el("caption", {}, t("zoning.streets")),
        el("thead", {}, el("tr", {}, head)),
        el("tbody", {}, rows.map((row) => el(
          "tr", {},
          el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => explain({ street: row.street }) }, row.street)),
          el("td", { class: "num" }, chip(row.level_persons, { short: true })),
          el("td", { class: "num" }, chip(row.level_area, { short: true })),
          el("td", { class: "num" }, percent(row.high_share)),
          el("td", { class: "num" }, count(row.persons)),
          el("td", {}, row.dominant ? hazardTitle(row.dominant) : "—"),
        )))),
    );
  }

  function inside(answer) {
    if (!answer.inside.length) return el("p", { class: "fine" }, t("zoning.inside_none"));
    const rows = answer.inside.slice(0, MAX_LISTED).map((row) => [
      el("button", { type: "button", class: "link", onclick: () => { view.fly([row.lon, row.lat], 14); view.place([row.lon, row.lat]); } }, row.name),
      config.texts[`zoning.kind.${row.kind}`],
      row.reason === "high_zone" ? t("zoning.in_high", { level: levelOf(row.level).name }) : t("zoning.near_hazard", { name: row.near }),
      metres(row.distance_m),
    ]);
    return el(
      "details", { class: "fold-box" }, el("summary", {}, t("zoning.inside", { n: count(answer.inside.length) })),
      el("p", { class: "hint" }, t("zoning.inside_note")),
      table(null, [t("zoning.col.name"), t("zoning.col.kind"), t("zoning.col.reason"), t("zoning.col.distance")], rows, { numeric: [3], classes: "inside" }),
      answer.inside.length > MAX_LISTED ? el("p", { class: "hint" }, `+ ${count(answer.inside.length - MAX_LISTED)}`) : null,
    );
  }

  function method(answer) {
    const rows = Object.entries(answer.weights).map(([id, weight]) => [said(answer.hazards[id]) || id, percent(weight)]);
    const ratio = answer.consistency_ratio;
    return el(
      "details", { class: "fold-box" }, el("summary", {}, t("zoning.method")),
      table(null, [t("zoning.col.hazard"), t("zoning.col.weight")], rows, { numeric: [1] }),
      ratio === null || ratio === undefined ? null : el("p", { class: "hint" }, t("zoning.ratio", { n: Number(ratio).toFixed(4) })),
      el("p", { class: "hint" }, t("zoning.breaks", { list: answer.breaks.map((one) => Number(one).toFixed(4)).join(" / ") })),
      answer.notices.length ? el("ul", { class: "notes" }, answer.notices.map((one) => el("li", {}, said(one)))) : null,
    );
  }

  function downloads(answer) {
    const link = (file) => el("a", { href: `/api/v1/zoning/${answer.scheme}/files/${file}`, ...(file.endsWith(".html") ? { target: "_blank", rel: "noopener" } : { download: `${answer.scheme}-${file}` }) }, config.texts[`zoning.file.${file}`]);
    return [el("p", { class: "files" }, FILES.map(link)), config.zoning.sheets ? [el("h4", {}, t("zoning.sheet")), el("p", { class: "files", id: "zoning-sheets" }, sheets())] : null];
  }

  /** The layer on the map as a printed sheet, in the usual sizes. */
  function sheets() {
    return SHEETS.map(([paper, scale, form]) => el(
      "a", { href: `/api/v1/sheet/${drawn.value || first()}.${form}?paper=${paper}&scale=${scale}&lang=${config.lang}`, download: "" },
      `${paper} · 1:${count(scale)} ${form.toUpperCase()}`));
  }

  function drawSummary(answer) {
    show(
      summaryRoot,
      el("div", { class: "where" },
        el("h3", {}, said(answer.title)),
        el("p", {}, [t("zoning.made", { time: answer.made_utc ? stamp(answer.made_utc) : "—", age: oldness(answer.made_utc) }), t("zoning.version", { version: answer.parameter_version, run: answer.run.slice(0, 8) })].join(" · ")),
        answer.to_confirm ? el("p", {}, el("span", { class: "badge confirm" }, t("zoning.to_confirm")), t("zoning.to_confirm_n", { n: answer.to_confirm })) : null),
      bars(answer),
      el("p", { class: "hint" }, t("zoning.fragile", { share: percent(answer.fragile_share) }), answer.corrected_units ? ` · ${t("zoning.corrected_n", { n: answer.corrected_units })}` : null, answer.no_data_units ? ` · ${t("zoning.no_data_n", { n: count(answer.no_data_units) })}` : null),
      exposure(answer),
      inside(answer),
      streets(answer),
      method(answer),
      el("div", { id: "zoning-compare" }),
      el("h4", {}, t("zoning.files")), downloads(answer),
    );
    offerComparison(answer);
  }

  async function summarize() {
    if (told.has(scheme.value)) return drawSummary(told.get(scheme.value));
    show(summaryRoot, loading());
    try {
      const answer = await summaryOf(scheme.value);
      if (!answer) return undefined;
      told.set(answer.scheme, answer);
      drawSummary(answer);
    } catch (error) {
      if (error.details?.code === "not-found") show(summaryRoot, empty(t(runButton.hidden ? "zoning.never_by_others" : "zoning.never")));
      else show(summaryRoot, failure(error, summarize));
    }
    return undefined;
  }

  // -- two runs -----------------------------------------------------------------------------------

  async function offerComparison(answer) {
    const root = $("zoning-compare");
    let runs;
    try {
      runs = (await ask("zoning/runs")).filter((one) => one.scheme === answer.scheme && one.run !== answer.run);
    } catch {
      return;
    }
    if (!runs.length || !root.isConnected) return;
    const earlier = el("select", { id: "zoning-old" }, runs.map((one) => el("option", { value: one.run }, `${stamp(one.made_utc)} · ${one.run.slice(0, 8)}`)));
    const found = el("div", { "aria-live": "polite" });
    const compare = async () => {
      show(found, loading());
      try {
        const answered = await ask("zoning/compare", { old: earlier.value, new: answer.run });
        show(found, difference(answered));
        drawn.value = "";
        draw();
        view.change(answered.map);
      } catch (error) {
        show(found, failure(error, compare));
      }
    };
    show(root, el(
      "details", { class: "fold-box" }, el("summary", {}, t("zoning.compare")),
      el("div", { class: "choices" }, el("label", {}, t("zoning.compare_with"), earlier), el("button", { type: "button", class: "plain", onclick: compare }, t("zoning.compare_do"))),
      found,
    ));
  }

  function difference(answer) {
    if (!answer.moved_units) return el("p", { class: "fine" }, t("zoning.moved_none"));
    const moves = answer.matrix.filter((row) => row.level_old !== row.level_new).sort((a, b) => b.persons - a.persons);
    const arrow = (row) => [chip(row.level_old), " → ", chip(row.level_new)];
    return [
      el("p", {}, t("zoning.moved", { units: count(answer.moved_units), persons: count(answer.moved_persons) })),
      el("p", { class: "key" }, CHANGES.map(([change, colour]) => el("span", { class: "level" }, swatch(colour), t(CHANGE_TEXTS[change])))),
      answer.notices.length ? el("ul", { class: "notes" }, answer.notices.map((one) => el("li", {}, said(one)))) : null,
      table(null, [t("zoning.col.move"), t("zoning.col.units"), t("zoning.col.persons")], moves.map((row) => [arrow(row), count(row.units), count(row.persons)]), { numeric: [1, 2] }),
      table(
        t("zoning.moved_units"), [t("zoning.col.unit"), t("zoning.col.move"), t("zoning.col.cause")],
        answer.moved.slice(0, MAX_LISTED).map((row) => [
          el("span", {}, row.street, el("br"), el("span", { class: "kind" }, row.unit_id)), arrow(row),
          [config.texts[`zoning.cause.${row.cause}`] ?? row.cause, row.part ? ` · ${hazardTitle(row.part)}` : ""].join(""),
        ]),
        { classes: "moved" },
      ),
      answer.moved_units > MAX_LISTED ? el("p", { class: "hint" }, `+ ${count(answer.moved_units - MAX_LISTED)}`) : null,
    ];
  }

  // -- why ----------------------------------------------------------------------------------------

  const confirm = (raw) => (raw.to_confirm ? el("span", { class: "badge confirm" }, t("zoning.to_confirm")) : null);
  const rawText = (raw) => (raw.value === null || raw.value === undefined ? "—" : `${quantity(raw.value)}${raw.unit ? ` ${printedUnit(raw.unit)}` : ""}`);
  const origin = (raw) => el("span", { class: "kind" }, [raw.source, raw.updated_utc ? oldness(raw.updated_utc) : null].filter(Boolean).join(" · "));

  function rawRow(raw, ...more) {
    return el("tr", {}, el("th", { scope: "row" }, said(raw.label), " ", confirm(raw), raw.source ? [el("br"), origin(raw)] : null), el("td", { class: "num" }, rawText(raw)), more);
  }

  /** The raw values of a hazard; a source that all of them share is said once. */
  function rawRows(parts) {
    const [first] = parts;
    const shared = parts.length > 1 && parts.every((part) => part.source === first.source && part.updated_utc === first.updated_utc);
    if (!shared) return parts.map((part) => rawRow(part));
    return [...parts.map((part) => rawRow({ ...part, source: "" })), el("tr", {}, el("td", { colspan: 2 }, origin(first)))];
  }

  function hazardRow(hazard, answer) {
    const share = answer.method === "sum" ? quantity(Math.round(hazard.contribution * 1e4) / 1e4) : digits(hazard.contribution);
    return el(
      "details", { class: "why-row" },
      el("summary", {}, el("span", { class: "grow" }, said(hazard.title)), chip(hazard.level), el("span", { class: "num" }, `${percent(hazard.weight)}`)),
      el("table", {},
        el("tbody", {},
          rawRows([...hazard.factors, hazard]),
          el("tr", {}, el("th", { scope: "row" }, t("zoning.own_class")), el("td", { class: "num" }, hazard.own_class_name, " → ", said(hazard.own_class_five))),
          el("tr", {}, el("th", { scope: "row" }, t("zoning.risk")), el("td", { class: "num" }, digits(hazard.risk))),
          el("tr", {}, el("th", { scope: "row" }, t("zoning.bounds"), el("br"), el("span", { class: "kind" }, hazard.breaks.map(digits).join(" / "))), el("td", { class: "num" }, chip(hazard.level))),
          el("tr", {}, el("th", { scope: "row" }, t("zoning.contribution")), el("td", { class: "num" }, share)))),
    );
  }

  function dimension(answer, name) {
    const part = answer[name];
    if (!part.indicators.length) return null;
    return el(
      "details", { class: "why-row" },
      el("summary", {}, el("span", { class: "grow" }, config.texts[`zoning.dim.${name}`]), el("span", { class: "num" }, digits(part.value))),
      el("table", {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("zoning.col.indicator")), [t("zoning.col.raw"), t("zoning.col.scaled"), t("zoning.col.weight")].map((text) => el("th", { scope: "col", class: "num" }, text)))),
        el("tbody", {}, part.indicators.map((raw) => rawRow(raw, el("td", { class: "num" }, digits(raw.scaled)), el("td", { class: "num" }, percent(raw.weight)))))),
    );
  }

  /** The steps from the index to the level, one a line. */
  function verdict(answer) {
    const steps = [[t("zoning.index"), digits(answer.index)], [t("zoning.bounds"), answer.breaks.map(digits).join(" / ")], [t("zoning.level_index"), chip(answer.level_index)]];
    if (answer.level_computed !== answer.level_index) steps.push([t("zoning.hot_rule"), chip(answer.level_computed)]);
    if (answer.corrected) steps.push([t("zoning.corrected", { reason: answer.reason }), chip(answer.level)]);
    const kept = answer.stability;
    if (kept.share !== null && Number.isFinite(kept.share)) steps.push([t("zoning.kept", { n: kept.runs }), percent(kept.share)]);
    steps.push([t("zoning.prevention"), said(answer.prevention_name)]);
    for (const item of answer.prevention_why) {
      const value = typeof item.value === "object" ? said(item.value) : `${quantity(item.value)}${item.unit ? ` ${printedUnit(item.unit)}` : ""}`;
      steps.push([[said(item.label), el("br"), el("span", { class: "kind" }, said(item.bound))], value]);
    }
    return el("table", { class: "steps" }, el("caption", {}, t("zoning.composite")), el("tbody", {}, steps.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "num" }, value)))));
  }

  function unitTable(answer) {
    return [
      el("p", { class: "verdict level-head" }, chip(answer.level), answer.dominant ? el("span", {}, t("zoning.dominant", { name: hazardTitle(answer.dominant) })) : null, el("strong", {}, t("zoning.persons", { n: count(answer.persons) }))),
      answer.stability.fragile ? el("p", { class: "warn-box" }, t("zoning.is_fragile")) : null,
      verdict(answer),
      el("h4", {}, t("zoning.why_hazards")), el("p", { class: "hint" }, t("zoning.why_note")),
      answer.hazards.map((hazard) => hazardRow(hazard, answer)),
      el("h4", {}, t("zoning.why_rest")), el("p", { class: "hint" }, t("zoning.formula", { a: answer.exponents[0], b: answer.exponents[1], c: answer.exponents[2], k: answer.capacity_factor })),
      DIMENSIONS.map((name) => dimension(answer, name)),
    ];
  }

  function streetTable({ street, highest }) {
    const levels = [5, 4, 3, 2, 1, 0].filter((level) => level > 0 || street.persons_0 > 0);
    return [
      el("p", { class: "verdict level-head" }, chip(street.level_persons), el("span", {}, t("zoning.col.by_persons")), el("strong", {}, t("zoning.persons", { n: count(street.persons) }))),
      table(null, [t("zoning.col.level"), t("zoning.col.persons")], levels.map((level) => [chip(level), count(street[`persons_${level}`])]), { numeric: [1] }),
      highest ? [el("h4", {}, t("zoning.highest", { unit: highest.unit })), unitTable(highest)] : null,
    ];
  }

  async function explain(about) {
    asked = about;
    explainRoot.hidden = false;
    show(explainRoot, loading(t("zoning.explaining")));
    explainRoot.scrollIntoView?.({ block: "nearest" });
    try {
      const answer = await explanationOf(scheme.value, about.street ? { street: about.street } : { at: about.place.join(",") });
      if (!answer) return;
      const unit = answer.street?.street ? answer.highest : answer;
      if (about.street && unit) {
        view.place(unit.place);
        view.fly(unit.place, 12);
      }
      const head = about.street ?? [answer.street, answer.name].filter(Boolean).join(" · ");
      show(
        explainRoot,
        el("div", { class: "where" },
          el("h3", {}, head),
          el("p", {}, about.street ? said(current().title) : [answer.unit, degrees(answer.place)].join(" · ")),
          el("button", { type: "button", class: "plain", onclick: forget }, t("zoning.back"))),
        about.street ? streetTable(answer) : unitTable(answer),
      );
    } catch (error) {
      show(explainRoot, failure(error, () => explain(about)), el("button", { type: "button", class: "plain", onclick: forget }, t("zoning.back")));
    }
  }

  function forget() {
    asked = null;
    explainRoot.hidden = true;
    show(explainRoot);
    summaryRoot.scrollIntoView?.({ block: "nearest" });
    scheme.focus();
  }

  scheme.addEventListener("change", () => {
    fillChoices();
    draw();
    summarize();
    if (asked) explain(asked);
  });
  drawn.addEventListener("change", () => {
    draw();
    if ($("zoning-sheets")) show($("zoning-sheets"), sheets());
  });
  // Who is not logged in is told to do so; who is and may not run schemes is offered nothing.
  runButton.hidden = config.visitor.logged_in && !may("zoning.run");
  runButton.addEventListener("click", run);
  $("zoning-form").addEventListener("submit", (event) => event.preventDefault());

  return {
    /** The panel is opened. */
    open() {
      fillChoices();
      clear();
      draw();
      summarize();
    },
    close() { undraw(); },
    /** A place was asked about while the panel is open. */
    about(place) {
      view.place(place);
      explain({ place });
    },
    /** The data changed. */
    outdated() {
      told.clear();
      if (isShown() && !job) summarize();
    },
  };
}
