/** The open orders beside the map: state, arrival, and the next step that somebody may take. */

import { ask, freshKey, send } from "./api.js";
import { config, may, t } from "./config.js";
import { el, show } from "./dom.js";
import { listed, quantity, stamp } from "./format.js";
import { failure, loading } from "./notice.js";

/** What may be done next without a form; everything else stands on the order's own page. */
const NEXT = { ordered: ["issue", "supply.issue"], issued: ["depart", "supply.issue"] };

const goods = (order) => listed(order.lines.map((line) => `${line.item_name} ${quantity(line.quantity || line.issued)} ${line.unit}`));

/** One order in short. */
export function orderCard(order, ...actions) {
  const eta = order.eta_utc ? t("orders.eta", { time: stamp(order.eta_utc) }) : null;
  return el(
    "article", { class: "order", "data-state": order.state },
    el("div", { class: "line" },
      el("a", { class: "number", href: `/supplies/orders/${order.id}` }, order.number),
      el("span", { class: `state-badge ${order.state}` }, config.order_states[order.state] ?? order.state)),
    el("p", {}, `${order.depot_name ?? order.depot_id} → ${order.place ?? ""}`),
    el("p", { class: "kind" }, goods(order)),
    order.isLate ? el("p", { class: "warn" }, t("orders.late", { time: stamp(order.due_utc) })) : null,
    eta ? el("p", { class: "kind" }, [eta, order.vehicle_name].filter(Boolean).join(" · ")) : null,
    actions.length ? el("div", { class: "actions" }, actions) : null,
  );
}

export function makeOrders(root, { view }) {
  let shown = null;

  async function step(order, name, button, key) {
    button.disabled = true;
    try {
      await send("POST", `supplies/orders/${order.id}/${name}`, {}, { key });
      await refresh();
    } catch (error) {
      button.disabled = false;
      button.after(failure(error));
    }
  }

  function actions(order) {
    const [name, action] = NEXT[order.state] ?? [];
    const key = freshKey();
    return [
      name && may(action) ? el("button", { type: "button", class: "primary", id: `step-${order.id}`, onclick: (event) => step(order, name, event.target, key) }, t(`orders.${name}`)) : null,
      order.lon != null ? el("button", { type: "button", onclick: () => view.fly([order.lon, order.lat]) }, t("orders.fly")) : null,
      el("a", { href: `/api/v1/supplies/orders/${order.id}/waybill.pdf`, target: "_blank", rel: "noopener" }, t("orders.waybill")),
    ].filter(Boolean);
  }

  function draw() {
    const focused = root.contains(document.activeElement) ? document.activeElement.id : "";
    show(
      root,
      el("p", { class: "hint" }, el("a", { href: "/supplies" }, t("orders.board"))),
      shown.length
        ? el("ul", { class: "orders" }, shown.map((order) => el("li", {}, orderCard(order, ...actions(order)))))
        : el("p", { class: "empty" }, t("orders.none")),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  /** Draw them anew where something is another: whoever is about to press a button is not disturbed. */
  async function refresh() {
    try {
      const found = (await ask("supplies/orders")).map(({ late_min: late, ...order }) => ({ ...order, isLate: late !== null }));
      if (JSON.stringify(found) === JSON.stringify(shown)) return;
      shown = found;
      draw();
    } catch (error) {
      shown = null;
      show(root, failure(error, refresh));
    }
  }

  return {
    open() {
      if (!shown) show(root, loading());
      return refresh();
    },
    refresh,
  };
}
