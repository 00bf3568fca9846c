/** From a plan to an order: the form that reserves, then the request with its clock and what to do next. */

import { freshKey, send } from "./api.js";
import { config, may, t } from "./config.js";
import { el, show, table } from "./dom.js";
import { quantity, stamp } from "./format.js";
import { failure, loading } from "./notice.js";
import { orderCard } from "./orders.js";

const FIELDS = ["unit", "place", "contact", "phone", "incident"];
const REQUIRED = new Set(["unit", "place", "contact"]);

/** The lines of a plan as the ledger books them. */
export const planLines = (answer) => answer.lines.flatMap((line) => line.from.map((row) => ({
  depot_id: row.depot_id, item_id: row.item ?? line.item, lot: row.lot, quantity: row.quantity,
  ...(row.instead_of ? { instead_of: row.instead_of } : {}),
})));

/** How long a reservation still holds, as text that counts down. */
function clock(until, onOver) {
  const node = el("strong", { class: "clock" });
  const end = new Date(until).getTime();
  const tick = () => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    node.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    node.classList.toggle("urgent", left < 300);
    if (!left) onOver();
    return left > 0 && (node.isConnected || performance.now() - began < 2000);
  };
  const began = performance.now();
  if (tick()) {
    const timer = setInterval(() => { if (!tick()) clearInterval(timer); }, 1000);
  }
  return node;
}

/** `receivers` gives the depots that may receive; `onReceiver` plans anew when another one is chosen. */
export function makeDispatch(root, { onChanged, receivers, onReceiver }) {
  const said = {}; // what was filled in stays when it is planned anew

  function draw(request) {
    const reserved = request.orders.filter((order) => order.state === "reserved");
    const until = reserved.map((order) => order.expires_utc).sort()[0];
    const again = (path, key = freshKey()) => async (event) => {
      event.target.disabled = true;
      try {
        draw(await send("POST", `supplies/requests/${request.id}/${path}`, {}, { key }));
        onChanged();
      } catch (error) {
        event.target.disabled = false;
        root.append(failure(error));
      }
    };
    show(
      root,
      el("div", { class: "request" },
        el("h3", { tabindex: -1 }, request.number, el("span", { class: "amounts" }, `${request.unit} · ${request.place}`)),
        reserved.length
          ? el("p", { class: "hold" }, t("dispatch.holds"), " ", clock(until, () => root.querySelector(".request .actions")?.remove()), ` (${stamp(until)})`)
          : null,
        reserved.length
          ? el("div", { class: "actions" },
            may("supply.order") ? el("button", { type: "button", class: "primary", onclick: again("order") }, t("dispatch.order")) : null,
            el("button", { type: "button", class: "plain", onclick: again("renew") }, t("dispatch.renew")))
          : null,
        el("ul", { class: "orders" }, request.orders.map((order) => el("li", {}, orderCard(order)))),
        el("p", {}, el("a", { href: `/supplies/requests/${request.id}` }, t("dispatch.page")))),
    );
    // The button that was pressed is gone: whoever goes by keyboard goes on from here.
    root.querySelector("h3").focus({ preventScroll: true });
    root.scrollIntoView({ block: "nearest" });
  }

  /** What is sent, line by line, with room to say how it has to be. */
  function goods(answer) {
    const inputs = new Map(answer.lines.map((line) => [line.item, el("input", {
      type: "text", maxlength: 500, placeholder: line.name, autocomplete: "off", "aria-label": t("dispatch.specification_of", { item: line.name }),
    })]));
    const node = table(
      null, [t("dispatch.goods"), t("supply.quantity"), t("dispatch.specification")],
      answer.lines.map((line) => [line.name, `${quantity(line.requested)} ${line.unit}`, inputs.get(line.item)]), { numeric: [1], classes: "goods" },
    );
    return [node, inputs];
  }

  /** Which depot takes the goods in; without one they are used at the place. */
  function receiver(chosen) {
    const options = receivers().map(({ id, name }) => el("option", { value: id, selected: id === chosen }, name));
    const node = el("select", { id: "dispatch-depot" }, el("option", { value: "" }, t("dispatch.no_depot")), options);
    node.addEventListener("change", () => {
      said.isReceiving = true;
      onReceiver(node.value);
    });
    return node;
  }

  /** Offer to reserve what a plan proposes. */
  function offer(answer, { place, name, deadline, toDepot, ownLevel = false }) {
    const lines = planLines(answer);
    if (!may("supply.reserve") || !lines.length) return show(root);
    let key = freshKey();
    const [goodsNode, specifications] = goods(answer);
    const depot = receiver(toDepot);
    const inputs = Object.fromEntries(FIELDS.map((field) => [field, el("input", {
      type: field === "phone" ? "tel" : "text", id: `dispatch-${field}`, maxlength: 200, required: REQUIRED.has(field), autocomplete: "off",
    })]));
    for (const field of FIELDS) {
      inputs[field].value = said[field] ?? "";
      inputs[field].addEventListener("input", () => { said[field] = inputs[field].value; });
    }
    if (said.for !== place.join()) Object.assign(said, { for: place.join(), place: name ?? "" });
    inputs.place.value = said.place;
    for (const [item, input] of specifications) {
      input.value = said[`item ${item}`] ?? "";
      input.addEventListener("input", () => { said[`item ${item}`] = input.value; });
    }
    const telephone = el("input", { type: "checkbox", id: "dispatch-telephone" });
    const problem = el("div", { "aria-live": "polite" });
    const submit = el("button", { type: "submit", class: "primary" }, t("dispatch.reserve"));
    telephone.addEventListener("change", () => { submit.textContent = t(telephone.checked ? "dispatch.telephone_order" : "dispatch.reserve"); });
    const form = el(
      "form", { class: "dispatch", novalidate: true },
      el("h3", {}, t("dispatch.title"), el("span", { class: "amounts" }, t("dispatch.lines", { n: lines.length }))),
      FIELDS.map((field) => el("div", { class: "field row" }, el("label", { for: `dispatch-${field}` }, t(`dispatch.${field}`), REQUIRED.has(field) ? " *" : ""), inputs[field])),
      el("div", { class: "field row" }, el("label", { for: "dispatch-depot" }, t("dispatch.depot")), depot),
      goodsNode,
      may("supply.order") ? el("label", { class: "check" }, telephone, " ", t("dispatch.telephone")) : null,
      problem, submit,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const missing = FIELDS.find((field) => REQUIRED.has(field) && !inputs[field].value.trim());
      if (missing) {
        show(problem, el("p", { class: "failure", role: "alert" }, t("dispatch.missing", { field: t(`dispatch.${missing}`) })));
        return inputs[missing].focus();
      }
      submit.disabled = true;
      show(problem, loading(t("dispatch.working")));
      const body = {
        to: place, to_depot_id: depot.value || null, deadline: deadline ?? null, lines, level: ownLevel ? "community" : null,
        needs: answer.lines.map((line) => ({ item_id: line.item, quantity: line.requested, specification: specifications.get(line.item).value.trim() || null })),
        ...Object.fromEntries(FIELDS.map((field) => [field, inputs[field].value.trim() || null])),
      };
      try {
        draw(await send("POST", telephone.checked ? "supplies/telephone" : "supplies/requests", body, { key }));
        onChanged();
      } catch (error) {
        // Nobody knows whether a request that broke off was done: the same key makes it happen once.
        if (error.details?.code !== "offline") key = freshKey();
        show(problem, failure(error));
        submit.disabled = false;
      }
      return undefined;
    });
    show(root, form);
    if (said.isReceiving) depot.focus();
    said.isReceiving = false;
    return undefined;
  }

  return { offer, clear: () => show(root) };
}
