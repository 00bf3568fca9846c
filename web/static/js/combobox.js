/** A text field with a list of suggestions (ARIA combobox), for the search and the choice of items. */

import { el, show } from "./dom.js";

let serial = 0;

/**
 * @param input the text field
 * @param source async (text) => [{label, detail, value}]
 * @param pick (value, label) => void
 * @param options.note text shown when nothing is found; options.delay ms; options.open also on an empty field
 */
export function combobox(input, source, pick, { note, delay = 150, openEmpty = false, failed } = {}) {
  const id = `list-${++serial}`;
  const list = el("ul", { id, role: "listbox", class: "suggestions", hidden: true, "aria-label": input.getAttribute("aria-label") ?? "" });
  input.after(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": id, "aria-expanded": "false", autocomplete: "off" })) input.setAttribute(name, value);
  let found = [];
  let active = -1;
  let timer = 0;
  let asked = 0;
  let answered = null;

  function open(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) input.removeAttribute("aria-activedescendant");
  }
  function mark(k) {
    active = k;
    [...list.querySelectorAll("[role=option]")].forEach((node, i) => {
      node.setAttribute("aria-selected", String(i === k));
      if (i === k) {
        input.setAttribute("aria-activedescendant", node.id);
        node.scrollIntoView({ block: "nearest" });
      }
    });
  }
  function choose(k) {
    const entry = found[k];
    if (!entry) return;
    open(false);
    pick(entry.value, entry.label);
  }
  async function refresh() {
    const text = input.value.trim();
    const mine = ++asked;
    if (!text && !openEmpty) return open(false);
    let entries;
    try {
      entries = await source(text);
    } catch (error) {
      if (mine === asked) failed?.(error);
      return open(false);
    }
    if (mine !== asked || entries === undefined || document.activeElement !== input) return undefined;
    found = entries;
    answered = text;
    if (found.length === 0) show(list, el("li", { class: "none" }, note));
    else {
      show(list, found.map((entry, k) => el(
        "li",
        { role: "option", id: `${id}-${k}`, "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => choose(k) },
        el("span", { class: "name" }, entry.label), el("span", { class: "detail" }, entry.detail ?? ""),
      )));
    }
    open(true);
    mark(found.length ? 0 : -1);
    return undefined;
  }
  /** Choose what is marked; where the list is of another text, the best for this one, also for who has gone on. */
  async function enter(text) {
    if (!list.hidden && answered === text) return choose(active);
    if (!text && !openEmpty) return undefined;
    asked += 1;
    let entries;
    try {
      entries = await source(text);
    } catch (error) {
      return failed?.(error);
    }
    if (!entries?.length || input.value.trim() !== text) return undefined;
    open(false);
    return pick(entries[0].value, entries[0].label);
  }
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, delay);
  });
  input.addEventListener("focus", () => { if (openEmpty || input.value.trim()) refresh(); });
  input.addEventListener("blur", () => { asked += 1; open(false); });
  input.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return void refresh();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (found.length) mark((active + step + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(timer);
      await enter(input.value.trim());
    } else if (event.key === "Escape") {
      open(false);
    }
  });
  return { close: () => open(false) };
}
