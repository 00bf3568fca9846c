/** The link that restores the map as it is, and the views that are kept under a name. */

import { ask, freshKey, send } from "./api.js";
import { config, may, t } from "./config.js";
import { el, show } from "./dom.js";
import { stamp } from "./format.js";
import { empty, failure } from "./notice.js";

const MAX_LINK = 6000; // as the server says
const MAX_NAME = 80;

export function makeViews(root, { written, restore }) {
  const link = el("input", { type: "text", readonly: true, id: "view-link", "aria-label": t("views.link"), onfocus: () => link.select() });
  const said = el("p", { class: "hint", role: "status" });
  const copy = el("button", { type: "button", class: "plain", id: "view-copy", onclick: copied }, t("views.copy"));
  const told = el("p", { class: "hint", role: "status", id: "view-told" });
  const list = el("ul", { class: "views", "aria-label": t("views.list") });
  const problem = el("div", { role: "alert" });
  root.append(el("div", { class: "field" }, el("label", { for: link.id }, t("views.link")), link), copy, said, may("view.save") ? form() : el("p", { class: "hint" }, t("views.readers")), problem, told, list);

  /** The address of the map as it is; a drawing that is too long for one is left out, which is said. */
  function address() {
    const document = written();
    const whole = JSON.stringify(document);
    const fits = whole.length <= MAX_LINK;
    const { drawing, ...rest } = document;
    const text = fits ? whole : JSON.stringify(rest);
    return { url: `${location.origin}/?${new URLSearchParams({ lang: config.lang, view: text })}`, left: fits ? 0 : drawing?.length ?? 0 };
  }
  function renew() {
    const { url, left } = address();
    link.value = url;
    said.textContent = left ? t("views.left_out", { n: left }) : "";
  }
  async function copied() {
    renew();
    try {
      await navigator.clipboard.writeText(link.value);
      said.textContent = t("views.copied");
    } catch {
      link.focus();
      link.select();
      said.textContent = t("views.copy_by_hand");
    }
  }

  function form() {
    const name = el("input", { type: "text", id: "view-name", maxlength: MAX_NAME, required: true });
    const shared = el("input", { type: "checkbox", id: "view-shared" });
    let key = freshKey();
    return el(
      "form", {
        id: "view-form",
        onsubmit: async (event) => {
          event.preventDefault();
          await attempt(async () => {
            await send("POST", "views", { name: name.value, shared: shared.checked, document: written() }, { key });
            name.value = "";
          });
          key = freshKey();
        },
      },
      el("div", { class: "field" }, el("label", { for: name.id }, t("views.name")), name),
      el("label", { class: "check" }, shared, ` ${t("views.for_all")}`),
      el("button", { type: "submit", class: "primary" }, t("views.save")),
    );
  }
  async function attempt(change) {
    show(problem);
    try {
      await change();
      await listed();
    } catch (error) {
      show(problem, failure(error));
    }
  }

  async function opened(id) {
    const { document, said: left } = await ask(`views/${id}`);
    restore(document);
    told.textContent = left.length ? t("views.hidden", { n: left.length, why: left[0] }) : "";
  }

  const mayChange = (one) => may("view.save") && (one.own || config.visitor.role === "administrator");
  function row(one) {
    const open = el("button", { type: "button", class: "link grow", onclick: () => attempt(() => opened(one.id)) }, one.name);
    const facts = el("p", { class: "facts" }, `${one.made_by} · ${stamp(one.updated_utc)} · ${t(one.shared ? "views.is_for_all" : "views.is_own")} · `, el("a", { href: `/?${new URLSearchParams({ lang: config.lang, saved: one.id })}` }, t("views.address")));
    if (!mayChange(one)) return el("li", { "data-view": one.id }, el("div", { class: "line" }, open), facts);
    const name = el("input", { type: "text", maxlength: MAX_NAME, value: one.name, "aria-label": t("views.new_name", { name: one.name }) });
    const shared = el("input", { type: "checkbox", checked: one.shared });
    const keep = el("input", { type: "checkbox" });
    const removal = el("button", {
      type: "button", class: "plain danger",
      onclick: () => {
        if (removal.dataset.sure) return attempt(() => send("DELETE", `views/${one.id}`));
        removal.dataset.sure = "true";
        removal.textContent = t("views.sure");
        return undefined;
      },
    }, t("views.delete"));
    const editor = el(
      "details", {}, el("summary", {}, t("views.change")),
      el("form", {
        onsubmit: (event) => {
          event.preventDefault();
          attempt(() => send("POST", `views/${one.id}`, { name: name.value, shared: shared.checked, ...(keep.checked ? { document: written() } : {}) }));
        },
      },
      name, el("label", { class: "check" }, shared, ` ${t("views.for_all")}`), el("label", { class: "check" }, keep, ` ${t("views.replace")}`),
      el("div", { class: "actions" }, el("button", { type: "submit", class: "plain" }, t("views.store")), removal)),
    );
    return el("li", { "data-view": one.id }, el("div", { class: "line" }, open), facts, editor);
  }
  async function listed() {
    const found = await ask("views");
    show(list, found.length ? found.map(row) : el("li", {}, empty(t("views.none"))));
  }
  root.closest("details").addEventListener("toggle", (event) => {
    if (!event.target.open || event.target !== root.closest("details")) return;
    renew();
    attempt(() => undefined);
  });
  return { renew };
}
