/** The filters of one layer, by the kind that the server says of each field: values, a range, a text. */

import { t } from "./config.js";
import { el, show } from "./dom.js";
import { printedUnit, quantity } from "./format.js";

const INPUTS = { date: "date", datetime: "datetime-local" };

/** A fieldset of filters; `onFound` gets the list of those that say something. */
export function makeFilters(layerId, fields, filters, onFound) {
  let rows = []; // {field, read}
  const list = el("div", {});
  const choose = el("select", { id: `filter-${layerId}` });
  const root = el("fieldset", { class: "filters" }, el("legend", {}, t("filter.title")), list, el("div", { class: "field" }, el("label", { for: choose.id }, t("filter.add")), choose));

  const told = () => onFound(rows.map(({ field, read }) => ({ field: field.name, ...read() })).filter(says));
  function says(filter) {
    return Boolean(filter.values?.length || filter.text || filter.from !== undefined || filter.to !== undefined);
  }

  function offer() {
    const left = fields.filter((field) => field.filter && !rows.some((row) => row.field === field));
    show(choose, el("option", { value: "" }, t("filter.choose")), left.map((field) => el("option", { value: field.name }, field.label)));
    choose.disabled = !left.length;
  }
  function add(field, filter = {}) {
    const { node, read } = { values, range, text }[field.filter](field, filter, told, layerId);
    const row = { field, read };
    const remove = el("button", {
      type: "button", class: "small", "aria-label": t("filter.remove", { name: field.label }),
      onclick: () => { rows = rows.filter((one) => one !== row); whole.remove(); offer(); told(); choose.focus(); },
    }, "✕");
    const whole = el("div", { class: "filter", "data-field": field.name }, el("div", { class: "line" }, el("span", { class: "grow" }, field.label), remove), node);
    rows.push(row);
    list.append(whole);
    return whole;
  }
  choose.addEventListener("change", () => {
    const field = fields.find((one) => one.name === choose.value);
    if (!field) return;
    const node = add(field);
    offer();
    node.querySelector("input")?.focus();
  });
  for (const filter of filters) {
    const field = fields.find((one) => one.name === filter.field);
    if (field) add(field, filter);
  }
  offer();
  return root;
}

function values(field, filter, told) {
  const codes = field.type === "boolean" ? [["true", t("yes")], ["false", t("no")]] : Object.entries(field.choices);
  const boxes = [...codes, ["", t("filter.empty")]].map(([code, label]) => {
    const box = el("input", { type: "checkbox", value: code, checked: Boolean(filter.values?.includes(code)), onchange: told });
    return { box, node: el("label", {}, box, ` ${label}`) };
  });
  return {
    node: el("div", { class: "boxes", role: "group", "aria-label": field.label }, boxes.map(({ node }) => node)),
    read: () => ({ values: boxes.filter(({ box }) => box.checked).map(({ box }) => box.value) }),
  };
}

function range(field, filter, told) {
  const isNumber = !(field.type in INPUTS);
  const per = field.type === "minutes" ? 60 : 1;
  const unit = field.type === "minutes" ? t("filter.minutes") : printedUnit(field.unit);
  const input = (key, label, bound) => el("input", {
    type: INPUTS[field.type] ?? "number", step: isNumber ? "any" : null, "aria-label": `${field.label} ${label}`, "data-bound": key,
    placeholder: isNumber && bound !== null && bound !== undefined ? quantity(bound / per) : null,
    value: filter[key] === undefined || filter[key] === null ? null : isNumber ? filter[key] / per : filter[key],
    onchange: told,
  });
  const [from, to] = [input("from", t("filter.from"), field.low), input("to", t("filter.to"), field.high)];
  const bound = (node) => (node.value === "" ? undefined : isNumber ? Number(node.value) * per : node.value);
  return {
    node: el("div", { class: "range" }, from, el("span", {}, "–"), to, unit ? el("span", {}, unit) : null),
    read: () => ({ from: bound(from), to: bound(to) }),
  };
}

function text(field, filter, told) {
  const input = el("input", { type: "text", maxlength: 80, value: filter.text ?? "", "aria-label": `${field.label} ${t("filter.contains")}`, placeholder: t("filter.contains"), oninput: told });
  return { node: input, read: () => ({ text: input.value.trim() || undefined }) };
}
