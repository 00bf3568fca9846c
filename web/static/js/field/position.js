/** Reports where a vehicle is, as a person sees it: the same reading that a tracker would send. */

import { config, may, t } from "../config.js";
import { el, show } from "../dom.js";
import { age, degrees } from "../format.js";
import { failure, loading } from "../notice.js";
import { keptAnswer } from "./kept.js";
import { notPermitted } from "./login.js";
import { chosen, onPlace, placePicker } from "./place.js";
import { enter, notEntered } from "./queue.js";

export function makePosition(root, { onEntered }) {
  let devices = [];
  let orders = [];
  let shown = "";

  const carried = (device) => orders.filter((order) => order.vehicle_id === device.vehicle_id);
  const title = (device) => {
    const [order] = carried(device);
    return [order?.vehicle_name ?? device.name ?? device.id, order ? `${order.number} → ${order.place}` : null].filter(Boolean).join(" · ");
  };

  const select = el("select", { id: "position-device", required: true, onchange: drawLast });
  const last = el("p", { class: "kind" });
  const button = el("button", { type: "submit", class: "primary" }, t("field.position.send"));
  const said = el("p", { role: "status" });
  const form = el("form", { class: "field-form", onsubmit: report, novalidate: true },
    el("label", { for: "position-device" }, t("field.position.vehicle")), select, last, placePicker(), el("p", { class: "hint" }, t("field.position.hint")), button, said);

  function drawLast() {
    const device = devices.find(({ id }) => id === select.value);
    last.textContent = device ? `${title(device)} · ${device.age_s == null ? t("field.position.never") : t("field.position.last", { age: age(device.age_s) })}` : "";
  }

  function drawButton() { button.disabled = !chosen() || !devices.length; }

  async function report(event) {
    event.preventDefault();
    const place = chosen();
    const device = devices.find(({ id }) => id === select.value);
    if (!place || !device) return;
    const [lon, lat] = place.lonlat;
    button.disabled = true;
    try {
      await enter({
        kind: "position", path: "readings", subject: device.id,
        title: t("field.position.title", { vehicle: title(device), place: degrees(place.lonlat) }),
        body: (moment) => ({ device: device.id, readings: [{ measured_utc: moment, lon, lat }] }),
      });
      said.textContent = t("field.entered");
      onEntered();
    } catch (error) {
      said.textContent = notEntered(error);
    }
    button.disabled = false;
  }

  onPlace(drawButton);

  /** What the server, or the phone, says now. */
  function take(found, open) {
    devices = found.filter((device) => device.type === "position" && device.vehicle_id);
    orders = open;
    const { depot_id: own } = config.visitor;
    if (own) devices = devices.filter((device) => device.depot_id === own || carried(device).some((order) => [order.depot_id, order.to_depot_id].includes(own)));
    devices.sort((a, b) => carried(b).length - carried(a).length);
    const options = JSON.stringify(devices.map(({ id }) => id));
    if (options !== shown) {
      const before = select.value;
      show(select, devices.map((device) => el("option", { value: device.id }, title(device))));
      if (devices.some(({ id }) => id === before)) select.value = before;
      show(root, devices.length ? form : el("p", { class: "empty" }, t("field.position.none")));
      shown = options;
    }
    drawLast();
    drawButton();
  }

  async function refresh() {
    if (!may("device.report") || !may("supply.read")) return show(root, notPermitted());
    if (!root.firstChild) show(root, loading());
    try {
      const [found, open] = [await keptAnswer("devices"), await keptAnswer("supplies/orders")];
      return take(found.body, open.body);
    } catch (error) {
      return show(root, failure(error, refresh));
    }
  }

  return { refresh };
}
