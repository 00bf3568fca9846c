/** The supply form and its plan: which depot gives what, when it is there, what is short and why not others. */

import { ask, newest, searchText } from "./api.js";
import { combobox } from "./combobox.js";
import { config, t } from "./config.js";
import { makeDispatch } from "./dispatch.js";
import { el, show, table } from "./dom.js";
import { degrees, km, listed, minutes, minutesOnly, quantity } from "./format.js";
import { markPicture } from "./marks.js";
import { at, said } from "./moment.js";
import { failure, loading } from "./notice.js";

/** How many lots from the k-th on come from the same depot. */
function sameDepot(rows, k) {
  let n = 1;
  while (k + n < rows.length && rows[k + n].depot_id === rows[k].depot_id) n += 1;
  return n;
}

const MAX_ROUTES = 60;
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** How a depot stands with the chosen item: told apart by shape as well as by colour. */
const GLANCE = { enough: ["circle", "var(--stock-enough)"], low: ["triangle", "var(--stock-low)"], none: ["cross", "var(--stock-none)"], uncounted: ["hatched", "var(--stock-uncounted)"] };

/** How soon a part of it expires: the colour of the number, by the classes of days; beyond the last it is plain. */
const EXPIRING = [[30, "var(--expires-30)"], [90, "var(--expires-90)"], [180, "var(--expires-180)"]];
const PLAIN = "var(--ink)";
/** A word of the legend in its colour: set by script, the policy of the page allows no styles in markup. */
function coloured(color, text) {
  const node = el("span", { class: "glance" }, text);
  node.style.color = color;
  return node;
}
const expiryColour = (days) => EXPIRING.find(([limit]) => days !== null && days <= limit)?.[1] ?? PLAIN;

export function makeSupply({ view, isShown, onChanged, depots }) {
  const form = document.getElementById("supply-form");
  const placeText = document.getElementById("supply-place");
  const rowsNode = document.getElementById("supply-rows");
  const within = document.getElementById("supply-within");
  const substitutes = document.getElementById("supply-substitutes");
  const own = document.getElementById("supply-own");
  const root = document.getElementById("supply");
  let place = null;
  let placeName = "";
  let receiver = ""; // the depot that takes the goods in
  const dispatch = makeDispatch(document.getElementById("dispatch"), {
    onChanged, receivers: () => receivers, onReceiver: (id) => { receiver = id; plan(); },
  });
  let receivers = [];
  let items = null;
  let lines = []; // what the plan drew
  let serial = 0;
  const rows = [];
  let answer = null; // the plans as the server gave them
  let address = ""; // of the question that they answer
  let chosen = 0;
  const query = newest((signal, values) => ask("supply/plans", values, { signal }));
  const named = newest((signal, text) => ask("items", { q: text }, { signal }));
  const stock = newest((signal, item) => ask("stock/glance", { item, at: at() }, { signal }));

  async function catalogue() {
    items ??= await ask("items");
    return items;
  }

  async function matching(text) {
    return (text ? await named(text) : await catalogue())
      ?.map((item) => ({
        label: item.name, value: item,
        detail: [item.other_names.length ? t("supply.also", { names: listed(item.other_names) }) : null, item.id, t("supply.on_hand", { n: quantity(item.on_hand), unit: item.unit })].filter(Boolean).join(" · "),
      }));
  }

  function addRow() {
    const n = ++serial;
    const item = el("input", { type: "text", id: `item-${n}`, class: "item", placeholder: t("supply.item_placeholder"), "aria-label": t("supply.item") });
    const amount = el("input", { type: "number", class: "amount", min: "0", step: "any", inputmode: "decimal", "aria-label": t("supply.quantity"), placeholder: t("supply.quantity") });
    const unit = el("span", { class: "unit" });
    const entry = { chosen: null, item, amount, unit };
    const node = el(
      "div", { class: "need" }, el("div", { class: "combo" }, item), amount, unit,
      el("button", { type: "button", class: "remove", "aria-label": t("supply.remove"), title: t("supply.remove"), onclick: () => {
        if (rows.length === 1) return;
        rows.splice(rows.indexOf(entry), 1);
        node.remove();
      } }, "×"),
    );
    function take(found) {
      entry.chosen = found;
      item.value = found.name;
      unit.textContent = found.unit;
      glance(found);
    }
    item.addEventListener("input", () => { entry.chosen = null; unit.textContent = ""; });
    // Whoever writes a whole name, or a number, and goes on has chosen.
    item.addEventListener("change", async () => {
      const text = item.value.trim();
      const known = await catalogue().catch(() => undefined);
      const found = known?.filter((one) => one.name === text || one.id === text) ?? [];
      if (found.length === 1 && !entry.chosen && item.value.trim() === text) take(found[0]);
    });
    combobox(item, matching, (found) => {
      take(found);
      amount.focus();
    }, { note: t("supply.item_none"), delay: 60, openEmpty: true, failed: (error) => show(root, failure(error)) });
    rows.push(entry);
    rowsNode.append(node);
    return entry;
  }

  /** Every depot by what it has of an item, on the map and in a line of the panel. */
  async function glance(item) {
    const node = document.getElementById("supply-glance");
    try {
      const found = await stock(item.id);
      if (!found) return;
      const placed = found.rows.filter((row) => row.place);
      view.glance(placed.map((row) => ({
        place: row.place, mark: GLANCE[row.state],
        label: [
          row.state === "none" ? "0" : `${quantity(row.available)}${row.is_uncounted ? " ?" : ""}`,
          row.expires_days === null ? null : t("glance.expires", { days: row.expires_days, n: quantity(row.expiring) }),
        ].filter(Boolean).join("\n"),
        color: expiryColour(row.expires_days),
      })));
      const soon = [...new Set(found.rows.map((row) => row.expires_days))].filter((days) => days !== null).sort((a, b) => a - b);
      const states = Object.keys(GLANCE).map((state) => [state, found.rows.filter((row) => row.state === state).length]);
      show(
        node,
        el("span", { class: "kind" }, t("glance.title", { item: item.name })),
        states.map(([state, n]) => el("span", { class: "glance" }, markPicture({ shape: GLANCE[state][0], color: GLANCE[state][1] }), ` ${t(`glance.${state}`)} ${n}`)),
        soon.map((days) => coloured(expiryColour(days), t("glance.expiring", { days, n: found.rows.filter((row) => row.expires_days === days).length }))),
      );
    } catch (error) {
      show(node, failure(error));
    }
  }

  const note = (text, field) => {
    show(root, el("p", { class: "failure", role: "alert" }, text));
    field?.focus();
  };

  function needs() {
    const wanted = new Map();
    for (const [k, entry] of rows.entries()) {
      if (!entry.item.value.trim() && !entry.amount.value) continue;
      if (!entry.chosen) return note(t("supply.choose_item", { n: k + 1 }), entry.item);
      if (!(Number(entry.amount.value) > 0)) return note(t("supply.choose_quantity", { n: k + 1 }), entry.amount);
      wanted.set(entry.chosen.id, (wanted.get(entry.chosen.id) ?? 0) + Number(entry.amount.value));
    }
    if (!wanted.size) return note(t("supply.choose_item", { n: 1 }), rows[0].item);
    return [...wanted].map(([id, n]) => `${id}=${n}`);
  }

  const depotCell = (row) => el(
    "button", { type: "button", class: "link", onclick: () => view.fly(row.place) },
    row.depot_name ?? row.depot_id,
  );

  /** One lot; the lots of one depot share its arrival, name and distance. */
  function lotRow(row, again, together) {
    const parts = { order: minutes(row.order_s), loading: minutes(row.loading_s), travel: minutes(row.travel_s), last: minutes(row.last_leg_s) };
    return el(
      "tr", { class: again ? "again" : null },
      again ? null : [
        el("td", { class: "num", rowspan: together, title: t("supply.parts", parts) }, minutesOnly(row.arrival_s)),
        el("td", { rowspan: together }, depotCell(row)),
        el("td", { class: "num", rowspan: together }, km(row.distance_m)),
      ],
      el(
        "td", { class: "lot", title: row.expires_on ? t("supply.expires", { date: row.expires_on }) : null }, row.lot,
        row.instead_of ? el("span", { class: "instead" }, t("supply.instead", { name: row.name, n: quantity(row.covers) })) : null,
      ),
      el("td", { class: "num" }, quantity(row.quantity)),
    );
  }

  function planOf(line) {
    const body = [];
    if (line.from.length) {
      body.push(table(
        null,
        [t("supply.col.arrival"), t("supply.col.depot"), t("supply.col.distance"), t("supply.col.lot"), t("supply.col.quantity")],
        line.from.map((row, k) => lotRow(row, k > 0 && line.from[k - 1].depot_id === row.depot_id, sameDepot(line.from, k))),
        { numeric: [0, 2, 4], classes: "plan" },
      ));
    } else {
      body.push(el("p", { class: "empty" }, t("supply.none")));
    }
    if (line.short > 0) {
      const best = line.next_best;
      body.push(el(
        "div", { class: "short" },
        el("strong", {}, t("supply.short", { n: quantity(line.short), unit: line.unit })),
        el("p", {}, best
          ? t("supply.next", { depot: best.depot_name ?? best.depot_id, quantity: quantity(best.quantity), unit: line.unit, time: minutes(best.arrival_s), reason: config.texts[`refused.${best.reason}`] ?? best.reason })
          : t("supply.next_none")),
      ));
    }
    return el(
      "section", { class: `plan-line${line.short > 0 ? " lacking" : ""}` },
      el("h3", {}, line.name, el("span", { class: "amounts" }, t("supply.plan_of", { got: quantity(line.allocated), wanted: quantity(line.requested), unit: line.unit }))),
      line.ready_s !== null && line.from.length ? el("p", { class: "ready" }, line.short > 0 ? t("supply.partly", { time: minutes(line.ready_s) }) : t("supply.complete", { time: minutes(line.ready_s) })) : null,
      body,
    );
  }

  function refused(rowsRefused) {
    if (!rowsRefused.length) return null;
    const names = new Map((items ?? []).map((item) => [item.id, item.name]));
    return el(
      "details", { class: "refused" }, el("summary", {}, t("supply.refused", { n: rowsRefused.length })),
      el("ul", {}, rowsRefused.map((row) => el(
        "li", {}, el("span", { class: `badge ${row.reason}` }, config.texts[`refused.${row.reason}`] ?? row.reason),
        el("strong", {}, row.depot_name ?? row.depot_id), el("span", { class: "kind" }, names.get(row.item) ?? row.item),
        el("p", {}, config.lang === "zh" ? (row.detail_zh ?? row.detail) : row.detail),
      ))),
    );
  }

  async function drawRoutes(plan) {
    const depots = new Map(plan.lines.flatMap((line) => line.from).map((row) => [row.depot_id, row.place]));
    const straight = [...depots.values()].map((from) => ({ coordinates: [from, plan.to], straight: true }));
    lines = straight;
    view.routes(lines, { fit: true });
    const found = await Promise.all([...depots.values()].slice(0, MAX_ROUTES).map(
      (from) => ask("route", { from: from.join(","), to: plan.to.join(","), at: at() }).catch(() => null),
    ));
    if (lines !== straight) return;
    lines = straight.map((one, k) => (found[k]?.geometry ? { coordinates: found[k].geometry.coordinates } : one));
    if (isShown()) view.routes(lines);
    if (lines.some((one) => one.straight)) root.append(el("p", { class: "hint" }, t("supply.straight")));
  }

  function choose(k) {
    chosen = k;
    draw();
    root.querySelector(".ways .chosen").focus({ preventScroll: true });
  }

  /** The plans side by side; several ways that come to the same plan are one. */
  function choices() {
    return el(
      "div", { class: "ways", role: "radiogroup", "aria-label": t("supply.ways") },
      answer.plans.map((plan, k) => el(
        "button", {
          type: "button", role: "radio", "aria-checked": String(k === chosen), class: k === chosen ? "chosen" : null, tabindex: k === chosen ? 0 : -1,
          onclick: () => choose(k), onkeydown: (event) => {
            const step = STEPS[event.key];
            if (!step) return;
            event.preventDefault();
            choose((k + step + answer.plans.length) % answer.plans.length);
          },
        },
        el("strong", {}, plan.ways.map((way) => t(`supply.way.${way}`)).join(" = ")),
        el("span", {}, plan.ready_s === null ? t("supply.none_ready") : minutes(plan.ready_s)),
        el("span", { class: "kind" }, t("supply.depots", { n: plan.depots })),
        plan.lost_s > 0 ? el("span", { class: "lost" }, t("supply.lost", { time: minutes(plan.lost_s) })) : null,
        plan.lines.some((line) => line.short > 0) ? el("span", { class: "lost" }, t("supply.lacking")) : null,
      )),
    );
  }

  function later(plan) {
    const used = plan.ranked_down.filter((row) => row.is_used);
    if (!plan.ranked_down.length) return null;
    return el(
      "details", { class: "refused" }, el("summary", {}, t("supply.ranked_down", { n: plan.ranked_down.length, used: used.length })),
      el("ul", {}, plan.ranked_down.map((row) => el("li", {}, el("strong", {}, row.depot_name), el("p", {}, config.lang === "zh" ? (row.detail_zh ?? row.detail) : row.detail)))),
    );
  }

  /** The question as an address: whoever opens it has it filled in. */
  function link() {
    return el(
      "p", { class: "hint link-line" }, el("a", { href: address }, t("supply.link")),
      navigator.clipboard ? el("button", { type: "button", class: "link", onclick: async ({ target }) => {
        await navigator.clipboard.writeText(new URL(address, location.href).href);
        target.textContent = t("supply.copied");
      } }, t("supply.copy")) : null,
    );
  }

  function draw() {
    const plan = answer.plans[chosen];
    show(
      root, answer.plans.length > 1 || plan.ways.length > 1 ? choices() : null, el("p", { class: "hint" }, said(plan)),
      plan.lines.map(planOf), later(plan), refused(plan.refused), link(),
    );
    const deadline = within.value ? new Date(Date.now() + within.value * 60_000).toISOString() : null;
    dispatch.offer(plan, { place, name: placeName, deadline, toDepot: receiver, ownLevel: plan.ways.includes("own_level") && chosen > 0 });
    drawRoutes(plan);
    // On a phone the plan would stand below the fold.
    if (matchMedia("(max-width: 820px)").matches) root.scrollIntoView({ block: "start" });
  }

  async function plan() {
    if (!place) return note(t("supply.choose_place"));
    const wanted = needs();
    if (!wanted) return undefined;
    view.closePopup();
    dispatch.clear();
    show(root, loading(t("supply.working")));
    const asked = { to: place.join(","), need: wanted, within: within.value || null, substitutes: substitutes.checked ? "yes" : "no", to_depot: receiver || null };
    try {
      const [found, places] = await Promise.all([query({ ...asked, at: at() }), depots()]);
      if (!found) return undefined;
      answer = found;
      receivers = places;
      address = `/?${searchText({ panel: "supply", ...asked, place: placeName || null, own: own.checked ? "yes" : null })}`;
      history.replaceState(null, "", address);
      chosen = Math.max(0, own.checked ? found.plans.findIndex((one) => one.ways.includes("own_level")) : 0);
      draw();
    } catch (error) {
      show(root, failure(error, plan));
    }
    return undefined;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    plan();
  });
  document.getElementById("supply-add").addEventListener("click", () => addRow().item.focus());
  addRow();

  return {
    place(lonlat, name) {
      if (place?.join() !== lonlat.join()) receiver = "";
      place = lonlat;
      placeName = name ?? "";
      placeText.textContent = [name, degrees(lonlat)].filter(Boolean).join(" · ");
      placeText.classList.add("chosen");
    },
    /** Fill a question in, as an address brings it; it is answered when all of it is there. */
    fill({ needs: wanted, within: minutesLeft, substitutes: isFree, own: isOwn, to_depot: depot }) {
      while (rows.length < wanted.length) addRow();
      for (const [k, item] of wanted.entries()) {
        rows[k].chosen = item;
        rows[k].item.value = item.name;
        rows[k].unit.textContent = item.unit;
        rows[k].amount.value = item.quantity;
      }
      within.value = minutesLeft ?? "";
      substitutes.checked = isFree;
      own.checked = isOwn;
      receiver = depot ?? "";
      if (place && wanted.length) plan();
      else if (!place) note(t("supply.choose_place"));
    },
    /** The stock may have changed: ask for the catalogue anew. */
    forget() { items = null; },
    /** Draw again what the plan drew. */
    redraw() { view.routes(lines); },
    /** What is drawn for the panel goes with it. */
    leave() { view.glance([]); },
    /** The chosen item again, when the panel is back or the stock changed. */
    back() {
      const last = rows.findLast((entry) => entry.chosen);
      if (last) glance(last.chosen);
    },
  };
}
