/** What changed since a moment, the newest first; each change leads to its place. */

import { ask, newest } from "./api.js";
import { config, t } from "./config.js";
import { el, show } from "./dom.js";
import { count, stamp } from "./format.js";
import { empty, failure, loading } from "./notice.js";

export function makeSince(root, { view, isShown, onClosure }) {
  const form = document.getElementById("since-form");
  const from = document.getElementById("since-from");
  const query = newest((signal) => ask("since", { from: from.value || null, lang: config.lang }, { signal }));
  let outdated = true;

  const go = (row) => {
    view.place(row.place, row.title);
    view.fly(row.place, 14);
  };

  function line(row) {
    return el(
      "li", { class: `change ${row.part} ${row.tone}` },
      el("button", { type: "button", class: "nearest", disabled: !row.place, title: row.place ? t("orders.fly") : t("since.no_place"), onclick: () => go(row) },
        el("span", { class: "name" }, row.title), el("time", { class: "value", datetime: row.recorded_utc }, stamp(row.recorded_utc)),
        el("span", { class: "kind" }, row.detail)),
      row.page ? el("a", { href: row.page }, t("since.page")) : null,
      row.part === "closures" ? el("button", { type: "button", class: "link", onclick: () => onClosure(row.id) }, t("closure.look")) : null,
    );
  }

  async function refresh() {
    if (!root.children.length) show(root, loading());
    try {
      const answer = await query();
      if (!answer) return;
      outdated = false;
      const groups = new Map();
      for (const row of answer.rows) groups.set(row.group, (groups.get(row.group) ?? 0) + 1);
      show(
        root,
        el("p", { class: "headline" }, el("strong", { id: "since-count" }, t("since.count", { n: count(answer.count), time: stamp(answer.since) })), el("span", { class: "kind" }, [...groups].map(([group, n]) => `${group} ${n}`).join(" · "))),
        answer.truncated ? el("p", { class: "warn-box" }, t("since.truncated", { n: answer.rows.length })) : null,
        answer.rows.length ? el("ol", { class: "rows" }, answer.rows.map(line)) : empty(t("since.none")),
        el("p", { class: "hint" }, t("around.revision", { revision: answer.revision })),
      );
    } catch (error) {
      show(root, failure(error, refresh));
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    refresh();
  });
  from.addEventListener("change", refresh);

  return {
    open() { if (outdated) refresh(); },
    /** Something changed. */
    outdated() {
      outdated = true;
      if (isShown()) refresh();
    },
  };
}
