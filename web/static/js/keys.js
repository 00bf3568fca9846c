/**
 * The keys of the map page. They are declared here once: those of one character work from here, the others follow
 * the patterns of their controls (ARIA) or of the map; the list that "?" opens is made of the same declaration.
 */

import { t } from "./config.js";
import { el } from "./dom.js";
import { kept, keep } from "./kept.js";
import { ALL } from "./tabs.js";

const SWITCH = "onemap-keys";
const FIELD = "input:not([type=checkbox], [type=radio], [type=button], [type=submit]), select, textarea, [contenteditable]";

/** The list opens beside the work and takes no click from it; `toPanel` takes a name of `tabs.js` or "workbench". */
export function makeKeys({ toPanel, toMap, closeTopmost }) {
  const panels = [...ALL, "workbench"].map((name, k) => [String(k), name, document.getElementById(name === "workbench" ? "switch-workbench" : `tab-${name}`)]);
  const groups = [
    ["keys.everywhere", [
      [["?"], t("keys.keys"), () => toggle()],
      [["/"], t("keys.search"), () => document.getElementById("search").focus()],
      [["m"], t("keys.map"), toMap],
      ...panels.filter(([, , tab]) => tab).map(([key, name, tab]) => [[key], t("keys.panel", { name: tab.textContent.trim() }), () => toPanel(name)]),
      [["Esc"], t("keys.close")],
      [["Tab"], t("keys.next")],
    ]],
    ["keys.on_map", [
      [[t("keys.arrows")], t("keys.map_move")],
      [["+", "−"], t("keys.map_zoom")],
      [["Enter"], t("keys.map_ask")],
      [["Enter"], t("keys.corner")],
      [["Backspace"], t("keys.corner_back")],
      [["Esc"], t("keys.corner_stop")],
    ]],
    ["keys.on_tabs", [[["←", "→"], t("keys.tabs_move")]]],
    ["keys.on_list", [[["↑", "↓"], t("keys.list_move")], [["Enter"], t("keys.list_choose")]]],
    ["keys.on_divider", [[["←", "→"], t("keys.divider")], [["Esc"], t("keys.divider_close")]]],
  ];
  const characters = new Map(groups.flatMap(([, rows]) => rows).filter(([, , run]) => run).map(([[key], , run]) => [key, run]));
  for (const [key, , tab] of panels) tab?.setAttribute("aria-keyshortcuts", key);

  const heading = el("h2", { id: "keys-title", tabindex: "-1" }, t("keys.title"));
  const box = el("input", { type: "checkbox", id: "keys-character", onchange: () => keep(SWITCH, box.checked ? null : "off") });
  box.checked = kept(SWITCH) !== "off"; // who types by voice switches them off (WCAG 2.1.4)
  const list = el(
    "section", { class: "keys", id: "keys", "aria-labelledby": "keys-title", hidden: true },
    el("header", {}, heading, el("button", { type: "button", class: "plain", onclick: () => close() }, t("close"))),
    el("div", { class: "columns" }, groups.map(([title, rows]) => el(
      "section", {}, el("h3", {}, t(title)),
      el("dl", {}, rows.map(([keys, text]) => [el("dt", {}, keys.map((key) => el("kbd", {}, key))), el("dd", {}, text)])),
    ))),
    el("label", { for: "keys-character" }, box, t("keys.character")),
  );
  document.body.append(list);
  let before = null;

  function open() {
    if (!list.hidden) return;
    before = document.activeElement;
    list.hidden = false;
    heading.focus();
  }
  /** Whether there was a list to close. */
  function close() {
    if (list.hidden) return false;
    const hadFocus = list.contains(document.activeElement) || document.activeElement === document.body;
    list.hidden = true;
    if (hadFocus) before?.focus();
    return true;
  }
  const toggle = () => { if (!close()) open(); };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") {
      if (!close()) closeTopmost();
      return;
    }
    if (!box.checked || event.target.closest(FIELD)) return;
    const run = characters.get(event.key.toLowerCase());
    if (!run) return;
    event.preventDefault();
    run();
  });
  return { open };
}
