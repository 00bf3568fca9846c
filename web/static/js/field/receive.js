/** Signs for goods: what came of each lot, fit for use, damaged and missing apart. */

import { config, may, t } from "../config.js";
import { el, show } from "../dom.js";
import { listed, quantity, stamp } from "../format.js";
import { failure, loading } from "../notice.js";
import { keptAnswer } from "./kept.js";
import { notPermitted } from "./login.js";
import { enter, notEntered, pending } from "./queue.js";
import { onQueue } from "./store.js";

const PARTS = ["received", "damaged", "missing"];
const DIGITS = /^\d{1,9}(\.\d{1,3})?$/;
const THOUSAND = 1000;
const e3 = (text) => Math.round(Number(text || 0) * THOUSAND);

export function makeReceive(root, { onEntered }) {
  let orders = [];
  let entries = []; // of this account, that wait or were refused
  let open = null; // {order, entry} of the form that is shown

  const coming = () => orders.filter((order) => order.next?.includes("receive"));
  /** Thousandths of a lot that are said to have come and are not yet booked. */
  const told = (order, lot) => entries
    .filter((entry) => entry.state === "waiting" && entry.kind === "receive" && entry.subject === order.id && entry.id !== open?.entry?.id)
    .flatMap((entry) => entry.body.lines).filter((line) => line.lot_id === lot)
    .reduce((sum, line) => sum + PARTS.reduce((all, part) => all + e3(line[part]), 0), 0);
  const left = (order, line) => Math.max(0, e3(line.in_transit) - told(order, line.lot_id)) / THOUSAND;

  function card(order) {
    const waits = entries.filter((entry) => entry.state === "waiting" && entry.kind === "receive" && entry.subject === order.id);
    return el("li", { class: "order", "data-order": order.id },
      el("p", { class: "line" }, el("strong", {}, order.number), el("span", { class: `state-badge ${order.state}` }, config.order_states[order.state] ?? order.state)),
      el("p", {}, `${order.depot_name ?? order.depot_id} → ${order.place}`),
      el("p", { class: "kind" }, listed(order.lines.filter((line) => line.in_transit).map((line) => `${line.item_name} ${quantity(line.in_transit)} ${line.unit}`))),
      el("p", { class: "kind" }, [order.eta_utc ? t("orders.eta", { time: stamp(order.eta_utc) }) : null, order.vehicle_name, order.driver, order.phone].filter(Boolean).join(" · ")),
      waits.length ? el("p", { class: "warning" }, t("field.receive.waits", { n: waits.length })) : null,
      el("button", { type: "button", class: "primary", onclick: () => { open = { order }; draw(); } }, t("field.receive.open")));
  }

  /** One lot of the form; `given` is what was entered before, where it is mended. */
  function fields(order, line, k, given) {
    const rest = left(order, line);
    const value = { received: given?.received ?? String(rest), damaged: given?.damaged ?? "", missing: given?.missing ?? "" };
    return el("fieldset", { "data-lot": line.lot_id },
      el("legend", {}, `${line.item_name} · ${line.lot}`),
      el("p", { class: "kind" }, t("field.receive.on_way", { n: quantity(line.in_transit), unit: line.unit })),
      el("div", { class: "amounts" }, PARTS.map((part) => el("div", { class: "amount" },
        el("label", { for: `${part}-${k}` }, t(`field.receive.${part}`)),
        el("input", { id: `${part}-${k}`, name: part, type: "text", inputmode: "decimal", autocomplete: "off", value: value[part] })))),
      el("label", { for: `note-${k}` }, t("field.receive.note")),
      el("input", { id: `note-${k}`, name: "note", type: "text", maxlength: 2000, autocomplete: "off", value: given?.note ?? "" }),
      el("p", { class: "failure", role: "alert", hidden: true }));
  }

  function drawForm() {
    const { order, entry } = open;
    const before = new Map((entry?.body.lines ?? []).map((line) => [line.lot_id, line]));
    const lines = order.lines.filter((line) => line.in_transit || before.has(line.lot_id));
    const when = el("input", { id: "receive-when", type: "datetime-local", step: 1, value: entry ? local(entry.body.occurred) : "" });
    const said = el("p", { class: "failure", role: "alert", hidden: true });
    const form = el("form", { class: "field-form", novalidate: true, onsubmit: (event) => submit(event, form, when, said) },
      el("h2", {}, t("field.receive.title", { number: order.number })), el("p", {}, `${order.depot_name ?? order.depot_id} → ${order.place}`),
      lines.map((line, k) => fields(order, line, k, entry ? before.get(line.lot_id) ?? { received: "0" } : null)),
      el("label", { for: "receive-when" }, t("field.receive.when")), when, said,
      el("div", { class: "actions" },
        el("button", { type: "submit", class: "primary" }, entry ? t("field.receive.mended") : t("field.receive.send")),
        el("button", { type: "button", onclick: () => { open = null; draw(); } }, t("field.back"))));
    show(root, form);
    form.querySelector("input").focus();
  }

  /** The quantities of the form, or null where something of it is wrong; what is wrong stands beside it. */
  function read(form, order) {
    let isFine = true;
    const lines = [...form.querySelectorAll("fieldset")].map((group) => {
      const line = order.lines.find(({ lot_id: lot }) => lot === group.dataset.lot);
      const typed = Object.fromEntries([...group.querySelectorAll("input")].map(({ name, value }) => [name, value.trim()]));
      const wrong = PARTS.find((part) => typed[part] && !DIGITS.test(typed[part]));
      const total = PARTS.reduce((sum, part) => sum + e3(typed[part]), 0);
      const problem = group.querySelector(".failure");
      let text = "";
      if (wrong) text = t("field.receive.no_number", { field: t(`field.receive.${wrong}`), value: typed[wrong] });
      else if (total > e3(line.in_transit)) text = t("field.receive.too_much", { n: quantity(total / THOUSAND), most: quantity(line.in_transit), unit: line.unit });
      problem.textContent = text;
      problem.hidden = !text;
      isFine &&= !text;
      return { total, line: { lot_id: group.dataset.lot, ...Object.fromEntries(PARTS.map((part) => [part, typed[part] || "0"])), note: typed.note || null } };
    });
    return isFine ? lines.filter(({ total }) => total).map(({ line }) => line) : null;
  }

  async function submit(event, form, when, said) {
    event.preventDefault();
    const { order, entry } = open;
    const lines = read(form, order);
    said.hidden = true;
    if (!lines?.length) {
      said.textContent = t(lines ? "field.receive.nothing" : "field.receive.wrong");
      said.hidden = false;
      return;
    }
    const sum = listed(lines.map((line) => {
      const { item_name: name, unit } = order.lines.find(({ lot_id: lot }) => lot === line.lot_id);
      const short = ["damaged", "missing"].filter((part) => Number(line[part])).map((part) => `${t(`field.receive.${part}`)} ${line[part]}`);
      return `${name} ${line.received} ${unit}${short.length ? ` (${short.join(" · ")})` : ""}`;
    }));
    const next = {
      kind: "receive", path: `supplies/orders/${encodeURIComponent(order.id)}/receive`, subject: order.id, form: { order },
      title: t("field.receive.entry", { number: order.number, goods: sum }), moment_utc: when.value ? instant(when.value) : null,
      body: (moment) => ({ lines, occurred: moment }),
    };
    try {
      if (entry) await onEntered.replace(entry.id, next);
      else await enter(next);
    } catch (error) {
      said.textContent = notEntered(error);
      said.hidden = false;
      return;
    }
    open = null;
    await reread();
    onEntered();
  }

  function draw() {
    if (open) return drawForm();
    const found = coming();
    return show(root, el("h2", {}, t("field.receive.heading")), found.length ? el("ul", { class: "orders" }, found.map(card)) : el("p", { class: "empty" }, t("field.receive.none")));
  }

  async function reread() {
    entries = (await pending()).mine.filter((entry) => entry.state !== "sent");
    if (!open) draw();
  }

  async function refresh() {
    if (!may("supply.receive") || !may("supply.read")) return show(root, notPermitted());
    if (!root.firstChild) show(root, loading());
    try {
      orders = (await keptAnswer("supplies/orders")).body;
      return await reread();
    } catch (error) {
      return open ? undefined : show(root, failure(error, refresh));
    }
  }

  onQueue(reread);
  return {
    refresh,
    /** The form of an entry with what was entered. */
    mend(entry) {
      const now = orders.find(({ id }) => id === entry.subject) ?? entry.form.order;
      open = { order: now, entry };
      draw();
    },
  };
}

/** A moment as the clock of the district shows it, for a field; and back. */
function local(utc) {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: config.timezone, dateStyle: "short", timeStyle: "medium" }).format(new Date(utc));
  return parts.replace(" ", "T");
}

function instant(text) {
  const guess = new Date(`${text}${text.length === 16 ? ":00" : ""}Z`);
  return new Date(guess.getTime() * 2 - new Date(`${local(guess.toISOString())}Z`).getTime()).toISOString();
}
