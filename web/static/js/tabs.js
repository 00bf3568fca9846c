/** The tabs of the side panel; on a phone the layer tree is one of them. */

export const ALL = ["layers", "reach", "around", "closures", "since", "supply", "orders", "coverage", "zoning"];

export function makeTabs(onChange) {
  // Who may not see orders has no tab of them.
  const NAMES = ALL.filter((name) => document.getElementById(`tab-${name}`));
  const workplace = document.getElementById("workplace");
  const tab = (name) => document.getElementById(`tab-${name}`);
  const isPhone = () => getComputedStyle(tab("layers")).display !== "none";
  let current = "reach";

  function select(name, { focus = false } = {}) {
    const before = current;
    current = name;
    workplace.dataset.panel = name;
    for (const one of NAMES) {
      const isCurrent = one === name;
      tab(one).setAttribute("aria-selected", String(isCurrent));
      tab(one).tabIndex = isCurrent ? 0 : -1;
      if (one !== "layers") document.getElementById(`panel-${one}`).hidden = !isCurrent;
    }
    if (focus) tab(name).focus();
    if (before !== name) onChange(name, before);
  }

  for (const name of NAMES) {
    tab(name).addEventListener("click", () => select(name));
    tab(name).addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const there = NAMES.filter((one) => one !== "layers" || isPhone());
      select(there[(there.indexOf(name) + step + there.length) % there.length], { focus: true });
    });
  }
  // Turned from a phone into a desk: the layer tree is no tab there.
  matchMedia("(max-width: 820px)").addEventListener("change", () => { if (!isPhone() && current === "layers") select("reach"); });
  return { select, current: () => current };
}
