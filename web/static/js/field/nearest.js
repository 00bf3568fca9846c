/** What is nearest: by road and minutes from the server; without it straight, from what the phone keeps. */

import { ask } from "../api.js";
import { config, t } from "../config.js";
import { el, show } from "../dom.js";
import { ageSince, count, metres, minutes, quantity, stamp } from "../format.js";
import { failure, loading } from "../notice.js";
import { keptAnswer, PATIENCE_MS } from "./kept.js";
import { chosen, onPlace, placePicker } from "./place.js";

const KINDS = ["shelters", "teams", "hospitals", "depots"];
const WITHIN_MIN = 180;
const EVERYWHERE_M = 200_000; // the whole of a district from its middle
const SHOWN = 12;
const M_PER_DEG = 111_195; // of a sphere with 6,371 km: a straight distance to some tenths of a per cent

/** Metres between two places of one district, straight over the ground. */
export function straightM([lon, lat], [otherLon, otherLat]) {
  const dy = (otherLat - lat) * M_PER_DEG;
  const dx = (otherLon - lon) * M_PER_DEG * Math.cos((((lat + otherLat) / 2) * Math.PI) / 180);
  return Math.hypot(dx, dy);
}

/** Every facility that a crew looks for, kept for when there is no network. */
export function keepFacilities() {
  const [west, south, east, north] = config.bounds;
  return keptAnswer("around", { at: `${(west + east) / 2},${(south + north) / 2}`, radius_m: EVERYWHERE_M, kinds: KINDS.join(",") });
}

export function makeNearest(root) {
  let kind = "shelters";
  let item = "";
  let asking = 0;
  const tabs = el("div", { class: "kinds", role: "group", "aria-label": t("field.nearest.kind") });
  const items = el("select", { id: "nearest-item", "aria-label": t("field.nearest.item"), hidden: true, onchange: ({ target }) => { item = target.value; find(); } });
  const list = el("div", { "aria-live": "polite" });
  show(root, placePicker(), tabs, items, list);

  function drawTabs() {
    show(tabs, KINDS.map((name) => el("button", { type: "button", "aria-pressed": String(name === kind), onclick: () => { kind = name; drawTabs(); find(); } }, t(`field.nearest.${name}`))));
    items.hidden = kind !== "depots";
  }

  function drawItems(facilities) {
    const names = new Map(facilities.flatMap((row) => row.items ?? []).map((one) => [one.item_id, one.name]));
    if (items.options.length === names.size + 1) return;
    show(items, el("option", { value: "" }, t("field.nearest.any_item")), [...names].sort((a, b) => a[1].localeCompare(b[1], "zh")).map(([id, name]) => el("option", { value: id, selected: id === item }, name)));
  }

  const isOut = (row) => Boolean(row.out);
  const facts = {
    shelters: (row) => (isOut(row) ? t("field.nearest.out", { reason: config.shelter_reasons[row.out] ?? row.out }) : t("field.nearest.places", { n: count(row.places) })),
    teams: ({ attributes }) => [attributes.on_duty ? t("field.nearest.duty") : t("field.nearest.no_duty"), ...String(attributes.skills ?? "").split(";").map((code) => config.skills[code]).filter(Boolean)].join(" · "),
    hospitals: ({ attributes }) => t("field.nearest.beds", { n: count(attributes.beds) }),
    depots: (row) => (item
      ? (row.items ?? []).filter((one) => one.item_id === item).map((one) => `${one.name} ${quantity(one.available)} ${one.unit}`).join("")
      : t("field.nearest.items", { n: count((row.items ?? []).length) })),
  };
  const serves = (row) => (kind === "depots" && item ? (row.items ?? []).some((one) => one.item_id === item) : true);

  function row(found) {
    return el("li", { class: isOut(found) ? "out" : null },
      el("p", { class: "line" }, el("strong", {}, found.name ?? found.id), el("span", { class: "far" }, found.total_s == null ? metres(found.distance_m) : minutes(found.total_s))),
      el("p", {}, facts[kind](found)),
      el("p", { class: "kind" }, [found.total_s == null ? null : t("field.nearest.straight", { m: metres(found.distance_m) }), found.attributes.address, found.attributes.phone].filter(Boolean).join(" · ")),
      el("p", { class: "source" }, `${found.source} · ${t("field.nearest.updated", { age: ageSince(found.updated_utc) })}`));
  }

  function draw(rows, note, classes) {
    const shown = rows.filter((one) => one.kind === kind && serves(one)).sort((a, b) => isOut(a) - isOut(b) || (a.total_s ?? a.distance_m) - (b.total_s ?? b.distance_m)).slice(0, SHOWN);
    show(list, el("p", { class: classes, "data-basis": classes }, note), shown.length ? el("ol", { class: "nearest" }, shown.map(row)) : el("p", { class: "empty" }, t("field.nearest.none")));
  }

  async function find() {
    const place = chosen();
    asking += 1;
    const mine = asking;
    if (!place) return show(list, el("p", { class: "empty" }, t("field.nearest.choose")));
    if (!list.querySelector("ol")) show(list, loading());
    const [lon, lat] = place.lonlat;
    try {
      const answer = await ask("around", { at: `${lon},${lat}`, minutes: WITHIN_MIN, kinds: kind }, { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (mine !== asking) return undefined;
      drawItems(answer.facilities);
      return draw(answer.facilities, t("field.nearest.road", { time: stamp(answer.at) }), "live");
    } catch (error) {
      if (error.details && error.details.code !== "offline") return mine === asking ? show(list, failure(error, find)) : undefined;
    }
    try {
      const kept = await keepFacilities();
      if (mine !== asking) return undefined;
      const rows = kept.body.facilities.map((one) => ({ ...one, total_s: null, distance_m: straightM(place.lonlat, one.place) }));
      drawItems(rows);
      return draw(rows, t("field.nearest.kept", { time: stamp(kept.at), age: ageSince(kept.at) }), "kept");
    } catch (error) {
      return mine === asking ? show(list, failure(error, find)) : undefined;
    }
  }

  onPlace(() => { if (!root.hidden) find(); });
  drawTabs();
  return { open: find };
}
