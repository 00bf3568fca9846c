/** The tour of the page on the first visit: a card beside the real elements, which stay in use; skipped at once. */

import { t } from "./config.js";
import { el } from "./dom.js";
import { keep, kept } from "./kept.js";

const SEEN = "onemap-tour";
const GAP_PX = 10;
// A step that has no element in sight is left out: on a phone the layer tree is a tab.
const STEPS = [
  ["search", "#search"], ["layers", "#panel-layers, #tab-layers"], ["map", "#map"], ["tabs", "#side .tabs"], ["when", "#when-mode"], ["help", "#help"],
];

const inSight = (selector) => [...document.querySelectorAll(selector)].find((node) => node.checkVisibility() && node.getBoundingClientRect().width);

/** Whether this page was opened for its own sake and for the first time; a link to a place or a view has something to show. */
const isFirstVisit = () => {
  const asked = new URLSearchParams(location.search);
  asked.delete("lang");
  return !asked.size && !location.hash && kept(SEEN) === null && !document.querySelector("#notices > *") && keep(SEEN, "yes");
};

export function makeTour() {
  let steps = [];
  let k = 0;
  let before = null;
  const title = el("h2", { id: "tour-title" });
  const text = el("p", {});
  const count = el("span", { class: "kind" });
  const back = el("button", { type: "button", class: "plain", onclick: () => step(k - 1) }, t("tour.back"));
  const next = el("button", { type: "button", class: "primary", id: "tour-next", onclick: () => step(k + 1) });
  const skip = el("button", { type: "button", class: "link", id: "tour-skip", onclick: () => close() }, t("tour.skip"));
  const card = el(
    "section", { class: "tour", id: "tour", "aria-label": t("tour.title"), hidden: true },
    el("div", { role: "status" }, title, text), el("div", { class: "actions" }, count, skip, back, next),
  );
  document.querySelector(".skip").after(card); // the first thing that Tab comes to
  const target = () => (card.hidden ? null : inSight(steps[k][1]));

  /** Below the element, else above, else beside or within; never outside the window. */
  function put() {
    const there = target()?.getBoundingClientRect();
    if (!there) return;
    const { offsetWidth: width, offsetHeight: height } = card;
    const within = (at, size, room) => Math.max(GAP_PX, Math.min(at, room - size - GAP_PX));
    const below = there.bottom + GAP_PX;
    const above = there.top - GAP_PX - height;
    const fits = below + height <= innerHeight || above >= 0;
    const right = there.right + GAP_PX + width <= innerWidth ? there.right + GAP_PX : there.left - GAP_PX - width;
    card.style.left = `${within(fits ? there.left : right >= 0 ? right : there.left, width, innerWidth)}px`;
    card.style.top = `${within(fits ? (below + height <= innerHeight ? below : above) : there.top + 6 * GAP_PX, height, innerHeight)}px`;
  }

  function step(to) {
    document.querySelector(".tour-target")?.classList.remove("tour-target");
    if (to >= steps.length) return close();
    k = to;
    const [name] = steps[k];
    title.textContent = t(`tour.${name}.title`);
    text.textContent = t(`tour.${name}`);
    count.textContent = t("tour.step", { n: k + 1, all: steps.length });
    back.hidden = k === 0;
    skip.hidden = k === steps.length - 1;
    next.textContent = t(skip.hidden ? "tour.done" : "tour.next");
    target()?.classList.add("tour-target");
    put();
    return undefined;
  }

  function open() {
    steps = STEPS.filter(([, selector]) => inSight(selector));
    card.hidden = false;
    step(0);
  }

  /** Whether there was a tour to close. */
  function close() {
    if (card.hidden) return false;
    const hadFocus = card.contains(document.activeElement);
    document.querySelector(".tour-target")?.classList.remove("tour-target");
    card.hidden = true;
    if (hadFocus) before?.focus();
    return true;
  }

  // Whoever goes to work elsewhere on the page needs no tour; what it points at may be tried.
  document.addEventListener("pointerdown", ({ target: node }) => { if (!card.hidden && !card.contains(node) && !target()?.contains(node)) close(); });
  addEventListener("resize", put);

  return {
    close,
    /** From the help, with the focus. */
    start(opener) {
      before = opener;
      keep(SEEN, "yes");
      open();
      next.focus();
    },
    /** On a first visit; the focus stays where it is. */
    offer() { if (isFirstVisit()) open(); },
  };
}
