/** The map as it is on a sheet of paper; the server draws it from the same document. */

import { fileOf } from "./api.js";
import { config, t } from "./config.js";
import { el, show } from "./dom.js";
import { failure, loading } from "./notice.js";

export function makePrint(root, { view, written }) {
  const field = (id, attributes) => {
    const input = el("input", { type: "text", id: `print-${id}`, ...attributes });
    return [el("div", { class: "field" }, el("label", { for: input.id }, t(`print.${id}`)), input), input];
  };
  const [ofTitle, title] = field("title", { maxlength: 80, placeholder: t("print.title_hint") });
  const [ofNumber, number] = field("map_number", { maxlength: 60, placeholder: t("print.map_number_hint") });
  const [ofMaker, maker] = field("maker", { maxlength: 60 });
  const paper = el("select", { id: "print-paper" }, ["A3", "A4"].map((name) => el("option", { value: name }, name)));
  const result = el("div", { role: "status" });
  const button = el("button", { type: "submit", class: "primary" }, t("print.make"));
  let made = null;

  root.append(el(
    "form", {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        show(result, loading(t("print.working")));
        try {
          const box = view.map.getBounds();
          const round = (degree) => Number(degree.toFixed(6));
          const document = { ...written(), bounds: [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map(round) };
          const pdf = await fileOf("views/sheet.pdf", { lang: config.lang }, { document, paper: paper.value, title: title.value, map_number: number.value, maker: maker.value });
          if (made) URL.revokeObjectURL(made);
          made = URL.createObjectURL(pdf);
          show(result, el("a", { href: made, download: "map.pdf", id: "print-out" }, t("print.ready")), el("p", { class: "hint" }, t("print.facts")));
        } catch (error) {
          show(result, failure(error));
        }
        button.disabled = false;
      },
    },
    ofTitle, el("div", { class: "field" }, el("label", { for: paper.id }, t("print.paper")), paper), ofNumber, ofMaker, button,
  ), result);
}
