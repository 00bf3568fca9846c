/** Light or dark: what is chosen and what that is now; the colours of colours.css for what scripts draw. */

const root = document.documentElement;
const wanted = matchMedia("(prefers-color-scheme: dark)");
const watchers = [];
let isDark = wanted.matches; // read once: Chromium does not tell of a change that was looked at before it is told
const YEAR_S = 365 * 86_400; // as the server keeps it

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** "light" or "dark". */
export const theme = () => ({ light: "light", dark: "dark" })[root.dataset.theme] ?? (isDark ? "dark" : "light");

/** Be told when it has become dark or light. */
export const onTheme = (watcher) => { watchers.push(watcher); };

const isNamed = (value) => typeof value === "string" && value.startsWith("var(--");
const names = (value) => isNamed(value) || (Array.isArray(value) && value.some(names));

/** A paint or an expression with the colours that it names ("var(--…)") as they are now. */
export function resolved(value) {
  if (isNamed(value)) {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  }
  if (Array.isArray(value)) return value.map(resolved);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one)]));
  return value;
}

/** Add a layer to a map whose paint names colours of the page; they follow the theme. */
export function addColoured(map, layer, before) {
  map.addLayer({ ...layer, paint: resolved(layer.paint ?? {}) }, before);
  const named = Object.entries(layer.paint ?? {}).filter(([, value]) => names(value));
  if (named.length) onTheme(() => { for (const [name, value] of named) map.setPaintProperty(layer.id, name, resolved(value)); });
}

const told = () => { for (const watcher of watchers) watcher(theme()); };
wanted.addEventListener("change", ({ matches }) => {
  isDark = matches;
  if (!root.dataset.theme) told();
});

// The links work without scripts too; with them the page need not be loaded anew.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-choose-theme]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const before = theme();
  const choice = link.dataset.chooseTheme;
  if (choice === "auto") delete root.dataset.theme;
  else root.dataset.theme = choice;
  document.cookie = `theme=${choice}; path=/; max-age=${YEAR_S}; samesite=lax`;
  for (const one of document.querySelectorAll("a[data-choose-theme]")) {
    if (one.dataset.chooseTheme === choice) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  if (theme() !== before) told();
});
