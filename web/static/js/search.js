/** Search by name: a list, the keyboard, and off to the place. */

import { ask, newest } from "./api.js";
import { combobox } from "./combobox.js";
import { config, t } from "./config.js";

export function makeSearch(input, { onPick, onError }) {
  const query = newest((signal, text) => ask("search", { q: text, limit: 20 }, { signal }));
  combobox(
    input,
    async (text) => (await query(text))?.map((hit) => ({
      label: hit.name || hit.id,
      detail: [config.layers[hit.layer] ?? hit.layer, hit.place ? null : t("search.unplaced")].filter(Boolean).join(" · "),
      value: hit,
    })),
    (hit, label) => {
      input.value = label;
      onPick(hit);
    },
    { note: t("search.none"), failed: onError },
  );
  document.getElementById("search-form").addEventListener("submit", (event) => event.preventDefault());
}
