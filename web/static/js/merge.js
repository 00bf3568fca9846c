/**
 * Bring what is on the page to what the server drew, node by node. What is the same stays the same node, so that focus,
 * selection, scroll and what was unfolded stay; what somebody typed, ticked or chose is never written over.
 */

import { t } from "./config.js";

const typed = new WeakSet(); // fields that somebody worked at
document.addEventListener("input", ({ target }) => typed.add(target), true);
// What was refused comes back as it was typed.
for (const mark of document.querySelectorAll("input[data-typed]")) for (const field of mark.form.elements) typed.add(field);

const FIELDS = "input, select, textarea";

/** Whether a field holds what somebody put there, or is just being used. */
function isTyped(field) {
  if (field.type === "hidden") return false;
  if (typed.has(field) || field === document.activeElement) return true;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field instanceof HTMLSelectElement) {
    const first = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, first);
  }
  return field.value !== field.defaultValue;
}

const fieldsIn = (node) => (node instanceof Element ? [...(node.matches(FIELDS) ? [node] : []), ...node.querySelectorAll(FIELDS)] : []);
const isAtWork = (node) => fieldsIn(node).some((field) => field.form?.method === "post" && isTyped(field));

/** What a node is known by: its id, or for a row what it is about. */
function keyOf(node) {
  if (!(node instanceof Element)) return "";
  if (node.dataset.key || node.id) return node.dataset.key || node.id;
  if (node.matches("tr")) return node.querySelector("input[type=hidden][name*='_id.']")?.value ?? "";
  return node.getAttribute("aria-labelledby") ?? "";
}
const kindOf = (node) => `${node.nodeName}.${node.classList?.[0] ?? ""}`;

function isKept(node, name) {
  if (name === "open") return node.matches("details"); // whoever unfolded it wants to see it
  if (name === "data-news") return true;
  if (node.matches("[data-chart]")) return name !== "data-chart" && name !== "aria-label"; // the rest is the drawing's
  if (!node.matches("input")) return false;
  if (node.type !== "hidden") return (name === "value" || name === "checked") && isTyped(node);
  // A form keeps its key, and what its reader had seen when he began to fill it in.
  return name === "value" && (node.name === "key" || (node.name === "seen" && isAtWork(node.form)));
}

function mergeAttributes(node, drawn) {
  for (const { name } of [...node.attributes]) if (!drawn.hasAttribute(name) && !isKept(node, name)) node.removeAttribute(name);
  for (const { name, value } of drawn.attributes) if (node.getAttribute(name) !== value && !isKept(node, name)) node.setAttribute(name, value);
}

/** Mark where something is new; what merely runs with the clock is not. */
function point(node) {
  const place = (node instanceof Element ? node : node.parentElement)?.closest("[data-running], .clock, tbody tr, dl > div, .timeline li");
  if (place && !place.matches("[data-running], .clock")) place.dataset.news = "";
}

function mergeNode(node, drawn) {
  if (!(node instanceof Element)) {
    if (node.data !== drawn.data) {
      node.data = drawn.data;
      if (drawn.data.trim()) point(node);
    }
    return;
  }
  if (node.matches("select, textarea") && isTyped(node)) return;
  mergeAttributes(node, drawn);
  if (node.matches("[data-chart]")) return; // what is in it was drawn here
  mergeChildren(node, drawn);
  // The attribute is only where a field begins; what it holds follows as long as nobody touched it.
  if (node instanceof HTMLSelectElement) node.selectedIndex = drawn.selectedIndex;
  else if (node.matches("input:not([type=hidden], [type=file]), textarea") && !isTyped(node)) {
    node.value = drawn.value;
    node.checked = drawn.checked;
  }
}

/** Which node of the page is which of the drawn ones; the rest is no longer drawn. */
function paired(node, drawn) {
  const known = new Map();
  const others = new Map();
  for (const child of node.childNodes) {
    const key = keyOf(child);
    if (key && !known.has(key)) known.set(key, child);
    else if (others.has(kindOf(child))) others.get(kindOf(child)).push(child);
    else others.set(kindOf(child), [child]);
  }
  const pairs = [...drawn.childNodes].map((wanted) => {
    const key = keyOf(wanted);
    if (!key) return [others.get(kindOf(wanted))?.shift(), wanted];
    const found = known.get(key);
    if (found?.nodeName !== wanted.nodeName) return [undefined, wanted];
    known.delete(key);
    return [found, wanted];
  });
  return { pairs, gone: new Set([...known.values(), ...[...others.values()].flat()]) };
}

function mergeChildren(node, drawn) {
  const { pairs, gone } = paired(node, drawn);
  for (const child of gone) {
    if (isAtWork(child)) (child.matches("tr") ? child.firstElementChild : child).dataset.gone = t("live.gone");
    else child.remove();
  }
  let at = node.firstChild;
  for (const [found, wanted] of pairs) {
    while (at && gone.has(at)) at = at.nextSibling;
    if (!found) {
      point(node.insertBefore(document.importNode(wanted, true), at));
      continue;
    }
    if (found !== at && found.contains(document.activeElement)) {
      // Whoever works in it stays in it: the others make way.
      while (at !== found) {
        const next = at.nextSibling;
        if (!gone.has(at)) node.append(at);
        at = next;
      }
    } else if (found !== at) node.insertBefore(found, at);
    mergeNode(found, wanted);
    at = found.nextSibling;
  }
}

/** Bring the content of `node` to that of `drawn`, an element of another document. */
export function merge(node, drawn) {
  const focused = document.activeElement;
  const isInside = node.contains(focused);
  mergeChildren(node, drawn);
  // What had the focus is gone: whoever goes by keyboard goes on from the text, not from the top of the page.
  if (isInside && !focused.isConnected) document.getElementById("main").focus({ preventScroll: true });
}
