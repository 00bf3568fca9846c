/** Close a road on the map, see who loses the hour, and take it back. */

import { ask, freshKey, newest, send } from "./api.js";
import { config, may, t } from "./config.js";
import { el, show } from "./dom.js";
import { count, minutes, oneDecimal, stamp } from "./format.js";
import { empty, failure, loading } from "./notice.js";
import { makeSketch } from "./sketch.js";

const DRAFT = "onemap-closure";
const FIELDS = ["reason", "from", "to", "mode", "share"];
const SHOWN = 100;

export function makeClosure(root, { view, layers, isShown, onUnsaved }) {
  const form = document.getElementById("closure-form");
  const listed = document.getElementById("closure-list");
  const node = (name) => document.getElementById(`closure-${name}`);
  const effectOf = newest((signal, id) => ask(`closures/${id}/difference`, {}, { signal }));
  let key = freshKey();
  let effect = null; // what is shown: the answer of the server

  // -- the drawing and the form, kept until they are sent

  function remember() {
    const typed = Object.fromEntries(FIELDS.map((name) => [name, node(name).value]));
    if (sketch.corners().length || typed.reason) localStorage.setItem(`${DRAFT}-form`, JSON.stringify(typed));
    else localStorage.removeItem(`${DRAFT}-form`);
  }

  function told() {
    if (!form) return;
    const [isDrawing, n] = [sketch.isOn(), sketch.corners().length];
    node("draw").setAttribute("aria-pressed", String(isDrawing));
    node("draw").textContent = t(isDrawing ? "closure.stop" : "closure.draw");
    node("back").disabled = node("clear").disabled = !n;
    node("corners").textContent = n ? t(sketch.missing() ? "closure.corners_missing" : "closure.corners", { n, missing: sketch.missing() }) : t("closure.no_corners");
    for (const input of form.elements.type) input.checked = input.value === sketch.shape();
    remember();
  }
  const sketch = makeSketch(view, DRAFT, "var(--closing)", { onChange: told, onLost: told, isKept: true, width: 5 });
  const stop = () => {
    sketch.stop();
    told();
  };

  function reset() {
    stop();
    sketch.clear();
    form.reset();
    node("share-row").hidden = true;
    key = freshKey();
    told();
  }

  // -- what it does

  function place(features, id) {
    const found = features.find(({ properties }) => properties.id === id);
    return found?.geometry ?? null;
  }

  /** Colour the villages and list who loses how much. */
  async function reveal(answer) {
    effect = answer;
    const villages = (await layers.collection("villages"))?.features ?? [];
    if (effect !== answer) return;
    const { totals, places: rows } = answer.difference;
    const by = new Map(rows.map((row) => [row.id, row.change]));
    const paint = () => view.hint(villages.filter(({ properties: { id } }) => by.has(id)).map((one) => ({ ...one, properties: { change: by.get(one.properties.id) } })));
    answer.paint = paint;
    if (isShown()) paint();
    const limit = Math.round(answer.difference.limit_s / 60);
    const line = (row) => {
      const shape = place(villages, row.id);
      const from = row.total_old_s === null ? t("closure.never") : minutes(row.total_old_s);
      const to = row.total_new_s === null ? t("closure.never") : minutes(row.total_new_s);
      const by_min = row.change_s === null ? t("closure.cut_off") : t("closure.by", { n: `${row.change_s > 0 ? "+" : ""}${oneDecimal(row.change_s / 60)}` });
      return el("li", {}, el(
        "button", { type: "button", class: `nearest ${row.change}`, onclick: () => shape && view.show([{ geometry: shape }], { maxZoom: 14 }) },
        el("span", { class: "name" }, el("span", { class: `badge ${row.change}` }, t(`closure.change.${row.change}`)), " ", row.name ?? row.id),
        el("span", { class: "value" }, by_min),
        el("span", { class: "kind" }, [t("closure.persons", { n: count(row.persons) }), `${from} → ${to}`, row.reason_new ? config.reasons[row.reason_new] ?? row.reason_new : null].filter(Boolean).join(" · ")),
      ));
    };
    const mine = answer.closure;
    show(
      root,
      el("div", { class: `verdict ${totals.lost_places ? "no" : "yes"}`, tabindex: -1, id: "closure-verdict" },
        el("span", {}, t(!mine.in_force ? "closure.not_in_force" : totals.lost_places ? "closure.lost" : "closure.nobody_lost", { limit, n: count(totals.lost_places), persons: count(totals.lost_persons) }))),
      el("p", { class: "where" }, [mine.reason, t("closure.at", { time: stamp(answer.at) }), t("around.revision", { revision: answer.revision })].filter(Boolean).join(" · ")),
      may("closure.change") && !mine.ended ? el("p", { class: "actions" }, el("button", { type: "button", class: "primary", id: "closure-undo", onclick: ({ target }) => undo(mine.id, target) }, t("closure.undo"))) : null,
      el("p", { class: "hint" }, t("closure.slower", { n: count(totals.slower_places), persons: count(totals.slower_persons), worst: minutes(Math.max(0, ...rows.filter(({ change }) => change === "slower").map((row) => row.change_s))) })),
      rows.length ? el("ul", { class: "rows" }, rows.slice(0, SHOWN).map(line)) : empty(t("closure.nobody")),
      rows.length > SHOWN ? el("p", { class: "hint" }, `+ ${count(rows.length - SHOWN)}`) : null,
    );
  }

  async function look(id) {
    show(root, loading(t("closure.working")));
    try {
      const answer = await effectOf(id);
      if (answer) await reveal(answer);
    } catch (error) {
      show(root, failure(error, () => look(id)));
    }
  }

  const undoKeys = new Map(); // sent again, it happens once
  async function undo(id, button) {
    if (!undoKeys.has(id)) undoKeys.set(id, freshKey());
    button.disabled = true;
    try {
      const done = await send("POST", `closures/${id}/end`, {}, { key: undoKeys.get(id) });
      undoKeys.delete(id);
      effect = null;
      view.hint([]);
      show(root, el("p", { class: "fine", role: "status", tabindex: -1, id: "closure-undone" }, t("closure.undone", { id, time: stamp(done.to_utc) })));
      document.getElementById("closure-undone").focus({ preventScroll: true });
      await list();
    } catch (error) {
      button.disabled = false;
      if (error.details?.code !== "offline") undoKeys.delete(id);
      button.after(failure(error));
    }
  }

  async function save(event) {
    event.preventDefault();
    const problem = (text, where) => {
      show(root, el("p", { class: "failure", role: "alert" }, text));
      where.focus();
    };
    if (!sketch.isComplete()) return problem(t("closure.draw_first"), node("draw"));
    if (!node("reason").value.trim()) return problem(t("closure.reason_first"), node("reason"));
    const isSlowed = node("mode").value === "slowed";
    const share = Number(node("share").value);
    if (isSlowed && !(share >= 1 && share <= 99)) return problem(t("closure.share_first"), node("share"));
    const submit = form.querySelector("button[type=submit]");
    submit.disabled = true;
    show(root, loading(t("closure.saving")));
    try {
      const done = await send("POST", "closures", {
        reason: node("reason").value.trim(), geometry: sketch.outline(), from: moment("from"), to: moment("to"), factor: isSlowed ? share / 100 : 0,
      }, { key });
      reset();
      await look(done.id);
      document.getElementById("closure-verdict")?.focus({ preventScroll: true });
      root.scrollIntoView({ block: "start" });
      await list();
    } catch (error) {
      // Nobody knows whether a request that broke off was done: the same key makes it happen once.
      if (error.details?.code !== "offline") key = freshKey();
      show(root, failure(error));
    } finally {
      submit.disabled = false;
    }
    return undefined;
  }

  /** A typed time with the offset that the district has at that time. */
  function moment(name) {
    const typed = node(name).value;
    if (!typed) return null;
    const parts = new Intl.DateTimeFormat("en", { timeZone: config.timezone, timeZoneName: "longOffset" }).formatToParts(new Date(`${typed}Z`));
    const offset = parts.find((part) => part.type === "timeZoneName").value.replace("GMT", "") || "+00:00";
    return `${typed}${typed.length === 16 ? ":00" : ""}${offset}`;
  }

  // -- what is closed

  async function list() {
    const features = ((await layers.collection("closures"))?.features ?? []).filter(({ properties: { state } }) => state !== "over");
    const inState = (name) => count(features.filter(({ properties: { state } }) => state === name).length);
    show(
      listed,
      el("h3", {}, t("closure.list", { now: inState("now"), coming: inState("coming") })),
      features.length ? el("ul", { class: "rows" }, features.map(({ geometry, properties: one }) => el(
        "li", { class: "order" },
        el("div", { class: "line" }, el("strong", {}, one.reason ?? one.id), el("span", { class: `badge ${one.state}` }, t(`closure.state.${one.state}`))),
        el("p", { class: "kind" }, [one.factor ? t("closure.slowed", { n: Math.round(one.factor * 100) }) : t("closure.closed"), t("closure.span", { from: one.from_utc ? stamp(one.from_utc) : "—", to: one.to_utc ? stamp(one.to_utc) : t("closure.open_end") })].join(" · ")),
        el("div", { class: "actions" },
          geometry ? el("button", { type: "button", onclick: () => view.show([{ geometry }]) }, t("orders.fly")) : null,
          el("button", { type: "button", onclick: () => look(one.id) }, t("closure.look")),
          may("closure.change") ? el("button", { type: "button", onclick: ({ target }) => undo(one.id, target) }, t("closure.end")) : null),
      ))) : empty(t("closure.none")),
    );
  }

  if (form) {
    node("draw").addEventListener("click", () => {
      if (sketch.isOn()) return stop();
      sketch.start();
      view.map.getCanvas().focus({ preventScroll: true });
      return undefined;
    });
    node("back").addEventListener("click", sketch.undo);
    node("clear").addEventListener("click", sketch.clear);
    node("mode").addEventListener("change", () => { node("share-row").hidden = node("mode").value !== "slowed"; });
    for (const input of form.elements.type) input.addEventListener("change", () => sketch.as(input.value));
    for (const name of FIELDS) node(name).addEventListener("input", remember);
    form.addEventListener("submit", save);
    view.map.getCanvas().addEventListener("keydown", (event) => {
      if (!sketch.isOn()) return;
      if (event.key === "Backspace") sketch.undo();
      else if (event.key === "Escape") { stop(); node("draw").focus(); }
    });
    try {
      const typed = JSON.parse(localStorage.getItem(`${DRAFT}-form`) ?? "{}");
      for (const name of FIELDS) if (typed[name]) node(name).value = typed[name];
      node("share-row").hidden = node("mode").value !== "slowed";
    } catch {
      localStorage.removeItem(`${DRAFT}-form`);
    }
    if (sketch.corners().length || node("reason").value) onUnsaved(sketch.isComplete() ? () => view.show([{ geometry: sketch.outline() }]) : () => {});
    told();
  }

  return {
    open() {
      if (form) sketch.show();
      effect?.paint?.();
      return list();
    },
    close() {
      if (form) stop();
      sketch.hide();
      view.hint([]);
    },
    /** Closures changed elsewhere. */
    refresh: list,
    look,
  };
}
