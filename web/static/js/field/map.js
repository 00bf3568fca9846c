/** The map in the field: the base map, the layers that matter to a crew, the ways of orders, the chosen place. */

import { newMap } from "../canvas.js";
import { config, t } from "../config.js";
import { el, show } from "../dom.js";
import { attribute, count, degrees } from "../format.js";
import { drawMarks, markPicture } from "../marks.js";
import { EMPTY, line } from "../picture.js";
import { addColoured, onTheme, theme } from "../theme.js";
import { keptAnswer } from "./kept.js";
import { centreFrom, choose, chosen, onPlace } from "./place.js";

const NEAR_PX = 22; // half of what a thumb covers

/** The style of the base map and of these layers alone. */
function fewer(style, ids) {
  const wanted = new Set(["base", ...ids]);
  return {
    ...style,
    sources: Object.fromEntries(Object.entries(style.sources).filter(([id]) => wanted.has(id))),
    layers: style.layers.filter((layer) => !layer.source || wanted.has(layer.source)).map((layer) => (
      layer.source === "base" || !layer.source ? layer : { ...layer, layout: { ...layer.layout, visibility: "visible" } }
    )),
  };
}

/** The style in light and dark, both kept: without a network it may become night. */
async function dress() {
  const [now] = await Promise.all([theme(), theme() === "dark" ? "light" : "dark"].map((name) => keptAnswer("style.json", { lang: config.lang, theme: name })));
  return fewer(now.body, config.layers);
}

export async function makeFieldMap({ canvas, card, switches }, { onAsk, onReport }) {
  const { maplibregl } = window;
  let style = await dress();
  const map = newMap({
    container: canvas, style, bounds: config.bounds ?? [73, 18, 135, 54], fitBoundsOptions: { padding: 12 },
    // The service worker keeps the tiles of who asks for that, and of nobody else.
    transformRequest: (url, type) => (type === "Tile" ? { url, headers: { "X-Onemap-Keep": "tile" } } : undefined),
  });
  map.touchZoomRotate.disableRotation();
  drawMarks(map);
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 100 }), "bottom-left");
  map.on("error", ({ error }) => { if (error?.name !== "AbortError") document.body.dataset.tiles = "lacking"; });
  await new Promise((resolve) => map.once("style.load", resolve));
  map.addSource("ways", { type: "geojson", data: EMPTY });
  addColoured(map, line("ways", "ways", { "line-color": "var(--route)", "line-width": 4 }));

  let described = [];
  const off = new Set();
  const parts = (id) => style.layers.filter((layer) => layer.source === id).map((layer) => layer.id);

  function drawSwitches() {
    show(switches, described.map((layer) => el(
      "label", { class: "switch-layer" },
      el("input", {
        type: "checkbox", checked: !off.has(layer.id),
        onchange: ({ target }) => {
          if (target.checked) off.delete(layer.id);
          else off.add(layer.id);
          for (const id of parts(layer.id)) map.setLayoutProperty(id, "visibility", target.checked ? "visible" : "none");
        },
      }),
      layer.legend[0] ? markPicture(layer.legend[0]) : null, layer.title, el("span", { class: "count" }, count(layer.count)),
    )));
  }

  function about(feature, isOpen) {
    const layer = described.find(({ id }) => id === feature.source);
    const { properties } = feature;
    const rows = layer.fields.filter(({ name, type }) => name !== "name" && name !== "id" && type !== "readings" && ![null, undefined, "", "null"].includes(properties[name]));
    return el("details", { open: isOpen },
      el("summary", {}, el("strong", {}, String(properties.name ?? properties[layer.label_field] ?? properties.id ?? layer.title)), el("span", { class: "kind" }, layer.title)),
      el("table", { class: "attributes" }, el("tbody", {}, rows.map((field) => el("tr", {}, el("th", { scope: "row" }, field.label), el("td", {}, attribute(field, properties[field.name])))))),
      el("p", { class: "source" }, `${layer.source} · ${layer.note}`));
  }

  let marker = null;
  function drawPlace(features = []) {
    const place = chosen();
    if (!place) return;
    marker ??= new maplibregl.Marker({ color: "var(--here)" });
    marker.setLngLat(place.lonlat).addTo(map);
    marker.getElement().setAttribute("aria-label", t("place.here"));
    card.hidden = false;
    show(
      card,
      el("button", { type: "button", class: "close", "aria-label": t("close"), onclick: () => { card.hidden = true; } }, "×"),
      el("p", { class: "place" }, degrees(place.lonlat)),
      features.slice(0, 3).map((feature, k) => about(feature, k === 0)),
      el("div", { class: "actions" },
        el("button", { type: "button", class: "primary", onclick: onAsk }, t("field.map.nearest")),
        el("button", { type: "button", onclick: onReport }, t("field.map.report"))),
    );
  }

  map.on("click", ({ point, lngLat }) => {
    const box = [[point.x - NEAR_PX, point.y - NEAR_PX], [point.x + NEAR_PX, point.y + NEAR_PX]];
    const layers = described.filter(({ geometry }) => geometry === "point").flatMap(({ id }) => parts(id));
    const seen = new Set();
    const features = map.queryRenderedFeatures(box, { layers: layers.filter((id) => map.getLayer(id)) })
      .filter(({ source, properties }) => !seen.has(`${source}/${properties.id}`) && seen.add(`${source}/${properties.id}`));
    choose({ lonlat: features[0]?.geometry.coordinates ?? [lngLat.lng, lngLat.lat], by: "map", accuracy_m: null });
    drawPlace(features);
  });
  onPlace((place) => {
    drawPlace();
    if (place.by === "phone") map.easeTo({ center: place.lonlat, zoom: Math.max(map.getZoom(), 14), duration: 0 });
  });
  centreFrom(() => { const { lng, lat } = map.getCenter(); return [lng, lat]; });

  async function refresh() {
    const list = await keptAnswer("layers", { lang: config.lang, theme: theme() });
    described = config.layers.map((id) => list.body.find((layer) => layer.id === id)).filter(Boolean);
    drawSwitches();
    await Promise.all(described.filter((layer) => layer.count).map(async ({ id }) => {
      map.getSource(id)?.setData((await keptAnswer(`layers/${id}.geojson`, { lang: config.lang })).body);
    }));
  }

  onTheme(async () => {
    style = await dress();
    for (const layer of style.layers) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) map.setPaintProperty(layer.id, name, value);
      if (layer.layout?.["icon-image"]) map.setLayoutProperty(layer.id, "icon-image", layer.layout["icon-image"]);
    }
    await refresh();
  });

  return {
    refresh,
    /** Draw the ways of orders. */
    ways(orders) {
      map.getSource("ways").setData({
        type: "FeatureCollection",
        features: orders.filter(({ route }) => route).map(({ route }) => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: route } })),
      });
    },
    /** Have the base map drawn again where tiles were lacking. */
    renewTiles() {
      if (document.body.dataset.tiles !== "lacking") return;
      delete document.body.dataset.tiles;
      const base = map.getSource("base");
      base?.setTiles(base.tiles);
    },
  };
}
