/** The map itself: base map, marks, popups, routes, the chosen place. Knows nothing of any one layer. */

import { ask } from "./api.js";
import { newMap } from "./canvas.js";
import { config, t } from "./config.js";
import { el } from "./dom.js";
import { attribute } from "./format.js";
import { drawMarks } from "./marks.js";
import { at } from "./moment.js";
import { EMPTY, fill, line } from "./picture.js";
import { readings } from "./readings.js";
import { staleParts, staleText } from "./stale.js";
import { addColoured, onTheme, resolved, theme } from "./theme.js";

const MAX_IN_POPUP = 6;
const REST_MS = 40;

/** What makes a layer of the style fainter, by its type. */
const FAINTER = { fill: ["fill-opacity"], line: ["line-opacity"], circle: ["circle-opacity", "circle-stroke-opacity"], symbol: ["icon-opacity", "text-opacity"] };

const FETCHING_MS = 100; // between two looks whether tiles have come

/** What of a paint has to do with the theme. */
const FOLLOWS = /-color$|^fill-pattern$/;

const isPhone = () => matchMedia("(max-width: 820px)").matches;

/** All places of a geometry, however deep its lists. */
const places = (coordinates) => (typeof coordinates[0] === "number" ? [coordinates] : coordinates.flatMap(places));

/** Colours of a change of level: up in purple, down in blue, so that neither is taken for a level. */
export const CHANGES = [[-2, "var(--down-2)"], [-1, "var(--down-1)"], [1, "var(--up-1)"], [2, "var(--up-2)"], [9, "var(--no-change)"]];
/** What becomes of a place: red where it leaves the limit, amber where it is later, green where it is better off. */
const hintColour = ["match", ["coalesce", ["get", "change"], ""], "slower", "var(--slower)", ["gained", "quicker"], "var(--gained)", "var(--lost)"];
const changeColour = () => ["match", ["get", "change"], [-4, -3, -2], CHANGES[0][1], -1, CHANGES[1][1], 1, CHANGES[2][1], [2, 3, 4], CHANGES[3][1], CHANGES[4][1]];

/** Make the map; resolves when it can be drawn upon. */
export async function makeMap(container, { onAsk, onSupply }) {
  const { maplibregl } = window;
  const larger = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const isWall = document.documentElement.dataset.screen === "wall";
  const style = await ask("style.json", { lang: config.lang, theme: theme() });
  const grounds = new Map([[theme(), style]]); // the style for each theme that was seen: back is at once
  const map = newMap({
    container,
    style,
    bounds: config.bounds ?? [73, 18, 135, 54],
    fitBoundsOptions: { padding: 24 },
    fadeDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  drawMarks(map);
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new maplibregl.ScaleControl({ maxWidth: isWall ? 120 * larger : 120 }), "bottom-right");
  await new Promise((resolve) => map.once("style.load", resolve));

  const own = ["change", "hint-area", "hint-point", "routes", "glance"];
  for (const id of own) map.addSource(id, { type: "geojson", data: EMPTY });
  // Above every area and line, below labels and points.
  const drawn = map.getStyle().layers;
  const firstSymbol = drawn[drawn.findLastIndex((layer) => layer.type === "line" || layer.type === "fill") + 1]?.id;
  addColoured(map, { id: "change", type: "fill", source: "change", paint: { "fill-color": changeColour(), "fill-opacity": 0.85 } }, firstSymbol);
  addColoured(map, { id: "hint-area", type: "fill", source: "hint-area", paint: { "fill-color": hintColour, "fill-opacity": 0.34 } }, firstSymbol);
  addColoured(map, line("hint-area-line", "hint-area", { "line-color": hintColour, "line-width": 2.5 }), firstSymbol);
  addColoured(map, { id: "hint-point", type: "circle", source: "hint-point", paint: { "circle-radius": isWall ? 12 * larger : 9, "circle-color": "var(--clear)", "circle-stroke-color": "var(--lost)", "circle-stroke-width": isWall ? 3 * larger : 3 } });
  addColoured(map, {
    id: "glance", type: "symbol", source: "glance",
    layout: {
      "icon-image": ["get", "icon"], "icon-allow-overlap": true, "text-field": ["get", "label"], "text-size": 13, "text-offset": [0, 1.1], "text-anchor": "top", "text-optional": true,
    },
    paint: { "text-halo-color": "var(--halo)", "text-halo-width": 2, "text-color": ["get", "color"] },
  });
  addColoured(map, line("routes-case", "routes", { "line-color": "var(--halo)", "line-width": 8, "line-opacity": 0.9 }, ["!", ["get", "straight"]]), firstSymbol);
  addColoured(map, line("routes-line", "routes", { "line-color": "var(--route)", "line-width": 4.5 }, ["!", ["get", "straight"]]), firstSymbol);
  addColoured(map, { ...line("routes-straight", "routes", { "line-color": "var(--route)", "line-width": 2.5, "line-dasharray": [2, 1.6] }, ["get", "straight"]) }, firstSymbol);
  for (const id of own) fill(map, id, EMPTY);

  // Names grow with the type of the page; on a wall, which is read from far away, none is smaller than that, and marks grow too.
  const enlarged = (layout = {}) => {
    if (larger <= 1.1) return {};
    const size = layout["text-size"];
    const icon = layout["icon-size"];
    return {
      ...(typeof size === "number" ? { "text-size": Math.max(size * larger, isWall ? larger * 16 : 0) } : {}),
      ...(isWall && Array.isArray(icon) ? { "icon-size": icon.map((part, k) => (k > 3 && k % 2 === 0 ? part * larger : part)) } : {}),
    };
  };
  // Lines of the base map grow with the zoom; what lies over it is drawn twice as wide on a wall.
  const wide = (spec) => (isWall && spec.type === "line" && spec.source !== "base" && spec.paint?.["line-width"] ? { "line-width": ["*", 2, spec.paint["line-width"]] } : {});
  for (const spec of map.getStyle().layers) {
    for (const [name, value] of Object.entries(enlarged(spec.layout))) map.setLayoutProperty(spec.id, name, value);
    for (const [name, value] of Object.entries(wide(spec))) map.setPaintProperty(spec.id, name, value);
  }

  // What draws each layer of the catalogue, bottom first.
  const drawnBy = new Map();
  for (const spec of style.layers) {
    const id = spec.metadata?.layer;
    if (id) drawnBy.set(id, [...(drawnBy.get(id) ?? []), spec]);
  }
  const stale = new Set(); // layers that are older than they may be
  /** Hatch what draws a layer; the hatch is a part of it from then on. */
  function hatch(id) {
    const parts = partsOf(id);
    if (!parts.length) return;
    const order = map.getLayersOrder();
    const before = order.slice(Math.max(...parts.map((part) => order.indexOf(part))) + 1)[0];
    const visibility = map.getLayoutProperty(parts[0], "visibility") ?? "visible";
    const over = staleParts(drawnBy.get(id), described.find((layer) => layer.id === id).geometry);
    for (const spec of over) addPart({ ...spec, layout: { ...spec.layout, ...enlarged(spec.layout), visibility } }, before);
    drawnBy.set(id, [...drawnBy.get(id), ...over]);
    stale.add(id);
  }
  function fresh(id) {
    const isOver = (spec) => spec.id.endsWith("-stale");
    for (const spec of drawnBy.get(id).filter(isOver)) map.removeLayer(spec.id);
    drawnBy.set(id, drawnBy.get(id).filter((spec) => !isOver(spec)));
    stale.delete(id);
  }
  const restyled = new Set(); // layers that are not drawn as the style declares
  const partsOf = (id) => (drawnBy.get(id) ?? []).map((spec) => spec.id);
  const fainter = (spec, opacity) => FAINTER[spec.type].map((name) => {
    const declared = spec.paint?.[name];
    return [name, opacity === 1 ? declared : declared === undefined ? opacity : ["*", opacity, declared]];
  });

  /** A part of the style for the source that its layer has now: tiles of its own name the layer once more. */
  function fitted({ "source-layer": sourceLayer, ...spec }) {
    if (spec.source === "base") return { ...spec, "source-layer": sourceLayer };
    return map.getSource(spec.source).type === "vector" ? { ...spec, "source-layer": spec.source } : spec;
  }

  const undrawn = new Set(); // parts that no frame has yet: nothing can be looked up in them
  map.on("render", () => undrawn.clear());
  function addPart(spec, before) {
    undrawn.add(spec.id);
    map.addLayer(fitted(spec), before);
  }

  /** Put other parts where those of a layer were; `between` runs while nothing refers to its source. */
  function replaceParts(layerId, specs, between = () => {}) {
    const before = partsOf(layerId);
    // The map library cannot place names of a part that goes before it was in a frame.
    if (before.some((id) => undrawn.has(id))) map.redraw();
    const order = map.getLayersOrder();
    const after = (id) => order.slice(order.indexOf(id) + 1).find((other) => !before.includes(other));
    const places = new Map(before.map((id) => [id, after(id)]));
    for (const id of before) map.removeLayer(id);
    between();
    for (const spec of specs) addPart(spec, places.get(spec.id) ?? places.get(before[0]));
  }

  /** Draw a layer from another kind of source. */
  function drawFrom(layerId, source) {
    replaceParts(layerId, partsOf(layerId).map((id) => map.getLayer(id).serialize()), () => {
      map.removeSource(layerId);
      map.addSource(layerId, source);
    });
  }

  const awaited = new Set(); // sources whose tiles are to be fetched anew
  /**
   * Fetch the tiles of a source anew. Not while one of them is being fetched, nor before the frame in which its parts
   * are replaced: the map library forgets what it is told then, and shows the rows of before.
   */
  function fetchAnew(id) {
    if (awaited.has(id)) return;
    awaited.add(id);
    const isFetching = () => map.getSource(id) && !map.isSourceLoaded(id);
    const attempt = () => {
      if (isFetching()) return setTimeout(attempt, FETCHING_MS);
      map.once("render", () => {
        if (isFetching()) return attempt();
        awaited.delete(id);
        return map.getSource(id)?.type === "vector" && map.refreshTiles(id);
      });
      return map.triggerRepaint();
    };
    attempt();
  }

  let described = [];
  let marker = null;
  let chosen = null; // what the marker stands at
  let popup = null;
  let shown = []; // {feature, node} of popup and cards
  let taker = null; // who takes the clicks instead of a question, and what tells it that another does
  let lens = null; // another map that lies over a part of this one
  let glanced = []; // depots by their stock

  // The colours of the ground, of lines and of names follow the theme; layers that are styled otherwise are asked for anew by whoever styled them.
  onTheme(async () => {
    drawGlance();
    const asked = theme();
    if (!grounds.has(asked)) grounds.set(asked, await ask("style.json", { lang: config.lang, theme: asked }));
    if (asked !== theme()) return; // changed again meanwhile: the answer for the other one is on its way
    for (const spec of grounds.get(asked).layers) {
      if (restyled.has(spec.metadata?.layer)) continue;
      for (const [name, value] of Object.entries(spec.paint ?? {})) if (FOLLOWS.test(name)) map.setPaintProperty(spec.id, name, value);
    }
    for (const id of [...stale]) {
      fresh(id);
      hatch(id);
    }
    map.fire("redrawn");
  });

  const clickable = () => described
    .filter((layer) => layer.geometry !== "polygon" && !layer.tiled)
    .flatMap((layer) => partsOf(layer.id))
    .filter((id) => map.getLayer(id) && !undrawn.has(id) && map.getLayoutProperty(id, "visibility") !== "none");

  const seenAt = (point) => (lens?.covers(point) ? lens.map : map);
  function featuresAt(point) {
    const box = [[point.x - 6, point.y - 6], [point.x + 6, point.y + 6]];
    const seen = new Set();
    const seenMap = seenAt(point);
    if (seenMap !== map && !seenMap.loaded()) return [];
    const found = seenMap.queryRenderedFeatures(box, { layers: clickable().filter((id) => seenMap.getLayer(id)) }).filter((feature) => {
      const key = `${feature.source}/${feature.properties.id ?? JSON.stringify(feature.properties)}`;
      return !seen.has(key) && seen.add(key);
    });
    // Of many points the nearest comes first, of equally near ones the one on top; lines and areas come after points.
    const far = new Map(found.map((feature) => [feature, feature.geometry.type === "Point" ? Math.round(point.dist(seenMap.project(feature.geometry.coordinates))) : Infinity]));
    return found.sort((a, b) => (far.get(a) === far.get(b) ? 0 : far.get(a) - far.get(b)));
  }

  /** What is known of a feature, kept in step with it for as long as it is shown. */
  function describe(feature, isOpen) {
    const node = description(feature, isOpen);
    shown.push({ feature, node });
    return node;
  }

  function renewShown(layerId, find = (feature) => feature) {
    for (const one of shown) {
      const feature = one.feature.source === layerId && one.node.isConnected ? find(one.feature) : null;
      if (!feature) continue;
      const node = description(feature, one.node.open);
      one.node.replaceWith(node);
      Object.assign(one, { feature, node });
    }
  }

  function description(feature, isOpen) {
    const layer = described.find((one) => one.id === feature.source);
    const titled = feature.properties.name ? "name" : layer.label_field;
    const rows = layer.fields
      .filter((field) => field.name !== "name" && field.name !== titled && ![null, undefined, ""].includes(feature.properties[field.name]))
      .map((field) => el("tr", {}, el("th", { scope: "row" }, field.label), el("td", {}, (field.type === "readings" ? readings : attribute)(field, feature.properties[field.name]))));
    const name = feature.properties[titled] ?? feature.properties.id ?? layer.title;
    return el(
      "details", { open: isOpen },
      el("summary", {}, el("strong", {}, String(name)), el("span", { class: "kind" }, layer.title)),
      feature.problem ? el("p", { class: "warn" }, feature.problem) : null,
      el("table", { class: "attributes" }, el("tbody", {}, rows)),
      el("p", { class: "source" }, `${layer.source} · ${layer.note}`),
      layer.stale ? el("p", { class: "stale-note" }, staleText(layer)) : null,
    );
  }

  /** The rows of a layer by their ids, as the API tells them. */
  async function rowsOf(source, ids) {
    const { features } = await ask(`layers/${source}.geojson`, { lang: config.lang, at: at(), id: ids });
    return new Map(features.map(({ geometry, properties }) => [properties.id, { source, geometry, properties }]));
  }

  /** The features with all that is known of them: tiles hold little, the rest of the first few is asked for. */
  async function whole(features) {
    const few = features.slice(0, MAX_IN_POPUP).filter(inTiles);
    const found = await Promise.all([...new Set(few.map(({ source }) => source))].map(async (source) => {
      try {
        return await rowsOf(source, few.filter((one) => one.source === source).map(({ properties: { id } }) => id));
      } catch (error) {
        return new Map(few.map(({ geometry, properties }) => [properties.id, { source, geometry, properties, problem: error.message }]));
      }
    }));
    const rows = new Map(found.flatMap((one) => [...one.values()]).map((one) => [`${one.source}/${one.properties.id}`, one]));
    return features.map((one) => rows.get(`${one.source}/${one.properties.id}`) ?? one);
  }
  const inTiles = ({ source, properties: { id } }) => id !== undefined && described.find((layer) => layer.id === source).tiles !== null;

  /** What is known of the features: a popup at a desk; on a phone it goes to the panel, the map is small. */
  function showPopup(features, lngLat) {
    popup?.remove();
    popup = null;
    if (!features.length || isPhone()) return;
    const content = el(
      "div", { class: "popup" },
      features.slice(0, MAX_IN_POPUP).map((feature, k) => describe(feature, k === 0)),
      features.length > MAX_IN_POPUP ? el("p", { class: "hint" }, `+ ${features.length - MAX_IN_POPUP}`) : null,
      el("div", { class: "actions" }, el("button", { type: "button", onclick: () => { popup?.remove(); onSupply(); } }, t("popup.supply"))),
    );
    popup = new maplibregl.Popup({ maxWidth: "340px", focusAfterOpen: false }).setLngLat(lngLat).setDOMContent(content).addTo(map);
  }

  const keysOf = (features) => features.map(({ source, properties }) => `${source}/${properties.id}`).join(" ");
  const stand = () => `${map.getCenter()} ${map.getZoom()}`;
  let clicks = 0; // what is asked at the map, or shown on it otherwise
  async function clicked(point, lngLat) {
    if (taker) return taker.take([lngLat.lng, lngLat.lat]);
    clicks += 1;
    const mine = clicks;
    shown = shown.filter(({ node }) => node.isConnected);
    let features = featuresAt(point);
    const seenMap = seenAt(point);
    const isDrawn = seenMap.loaded();
    const found = keysOf(features);
    if (features.some(inTiles)) features = await whole(features);
    if (mine !== clicks) return undefined;
    const first = features[0];
    const exact = first?.geometry.type === "Point" ? first.geometry.coordinates : [lngLat.lng, lngLat.lat];
    showPopup(features, exact);
    onAsk(exact, first ? String(first.properties.name ?? "") : "", isPhone() ? features.slice(0, 3).map((feature) => describe(feature, false)) : []);
    if (isDrawn) return undefined;
    // While the map was being drawn something else may have been there: what is there when it is drawn counts.
    const stood = stand();
    const isOpen = Boolean(popup?.isOpen());
    seenMap.once("idle", () => {
      const now = map.project(lngLat);
      const isSame = mine === clicks && !taker && stand() === stood && Boolean(popup?.isOpen()) === isOpen;
      if (isSame && keysOf(featuresAt(now)) !== found) clicked(now, lngLat);
    });
    return undefined;
  }
  map.on("click", (event) => clicked(event.point, event.lngLat));
  // What is under the pointer is looked up once it rests for a moment, and not while the map moves.
  let pointed = 0;
  map.on("mousemove", ({ point }) => {
    clearTimeout(pointed);
    if (taker || map.isMoving()) return;
    pointed = setTimeout(() => {
      if (!taker) map.getCanvas().style.cursor = featuresAt(point).length ? "pointer" : "";
    }, REST_MS);
  });
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const center = map.getCenter();
    clicked(map.project(center), center);
  });

  function showAll(points, maxZoom = 15) {
    if (!points.length) return;
    const box = points.reduce((found, xy) => found.extend(xy), new maplibregl.LngLatBounds(points[0], points[0]));
    map.fitBounds(box, { padding: 60, maxZoom, duration: 700 });
  }

  function drawGlance() {
    fill(map, "glance", {
      type: "FeatureCollection",
      features: glanced.map(({ place: coordinates, mark: [shape, inside], label, color }) => ({
        type: "Feature", properties: { icon: `mark:${shape}:${resolved(inside)}:16`, label, color: resolved(color) }, geometry: { type: "Point", coordinates },
      })),
    });
  }

  return {
    map,
    /** The layers as the server describes them. */
    describeLayers(layers) {
      described = layers;
      const turned = layers.filter((layer) => layer.stale !== stale.has(layer.id) && drawnBy.has(layer.id));
      for (const layer of turned) (layer.stale ? hatch : fresh)(layer.id);
      if (turned.length) map.fire("redrawn");
      for (const { id } of turned) renewShown(id);
    },
    /** Mark the chosen place. */
    place(lonlat, name = "") {
      chosen = { lonlat, name };
      marker ??= new maplibregl.Marker({ color: "var(--here)", scale: 0.9 });
      marker.setLngLat(lonlat).addTo(map);
      marker.getElement().setAttribute("aria-label", t("place.here"));
      map.fire("placed");
    },
    /** The chosen place {lonlat, name}; null before there is one. */
    chosen: () => chosen,
    /** Fly to a place; it is instant for who wants less motion. */
    fly(lonlat, zoom = 14) {
      clicks += 1;
      popup?.remove();
      map.flyTo({ center: lonlat, zoom: Math.max(zoom, Math.min(map.getZoom(), 16)), duration: 700 });
    },
    /** Draw lines: [{coordinates, straight}]; none clears them. */
    routes(lines, { fit = false } = {}) {
      fill(map, "routes", {
        type: "FeatureCollection",
        features: lines.map(({ coordinates, straight = false }) => ({ type: "Feature", properties: { straight }, geometry: { type: "LineString", coordinates } })),
      });
      if (fit) showAll(lines.flatMap(({ coordinates }) => coordinates));
    },
    /** Move so that all of these features are in view. */
    show(features, { maxZoom } = {}) { showAll(features.flatMap(({ geometry }) => places(geometry?.coordinates ?? [])), maxZoom); },
    /** Point out features: areas filled, points ringed; none clears them. */
    hint(features) {
      const areas = features.filter((feature) => feature.geometry && feature.geometry.type !== "Point");
      const points = features.filter((feature) => feature.geometry?.type === "Point");
      fill(map, "hint-area", { type: "FeatureCollection", features: areas });
      fill(map, "hint-point", { type: "FeatureCollection", features: points });
    },
    /** Areas whose level changed, with a `change` each; none clears them. */
    change(collection = EMPTY) { fill(map, "change", collection); },
    /** Depots by their stock of one item: [{place, mark: [shape, colour], label, color}]; none clears them. */
    glance(depots) {
      glanced = depots;
      drawGlance();
    },
    closePopup() { popup?.remove(); },
    /** The popup as it stands on the page, where there is one. */
    popupNode: () => (popup?.isOpen() ? popup.getElement() : null),
    /** The base map was drawn anew. */
    renewTiles() { if (map.getSource("base")) fetchAnew("base"); },
    /** Draw a layer from tiles of its own at this address. */
    tiles({ id, tiles: maxzoom }, address) {
      const { type, tiles } = map.getSource(id).serialize();
      if (type === "vector" && tiles[0] === address) fetchAnew(id);
      else drawFrom(id, { type: "vector", tiles: [address], maxzoom });
    },
    /** Ask anew for the rows of a layer that are told of. */
    async renewRows(layerId) {
      const ids = shown.filter(({ feature, node }) => feature.source === layerId && node.isConnected).map(({ feature }) => feature.properties.id);
      if (!ids.length) return;
      const rows = await rowsOf(layerId, ids);
      renewShown(layerId, ({ properties: { id } }) => rows.get(id));
    },
    data(layerId, collection) {
      if (map.getSource(layerId).type !== "geojson") drawFrom(layerId, { type: "geojson", data: EMPTY });
      map.getSource(layerId).setData(collection);
      renewShown(layerId, ({ source, properties: { id } }) => {
        const found = collection.features.find((one) => one.properties.id === id);
        return found && { source, properties: found.properties };
      });
    },
    /** What is said to be so old is older by now. */
    grownOlder() { for (const source of new Set(shown.map(({ feature }) => feature.source))) renewShown(source); },
    /** Clicks and Enter go to `take` as [lon, lat], until another takes them (`lost` is called then) or they are given back. */
    takeClicks(take, lost) {
      const before = taker;
      taker = { take, lost };
      before?.lost();
      popup?.remove();
      map.getCanvas().style.cursor = "crosshair";
      map.doubleClickZoom.disable();
    },
    giveClicksBack(take) {
      if (taker?.take !== take) return;
      taker = null;
      map.getCanvas().style.cursor = "";
      map.doubleClickZoom.enable();
    },
    /** Another map lies over this one where `covers` a point: what is clicked there is its. */
    lay(other) { lens = other; },
    /** Draw a layer as these parts of the style say, where it was drawn before. */
    restyle(layerId, specs, opacity) {
      const visibility = map.getLayoutProperty(partsOf(layerId)[0], "visibility") ?? "visible";
      replaceParts(layerId, specs.map((spec) => ({
        ...spec,
        layout: { ...spec.layout, visibility, ...enlarged(spec.layout) },
        paint: { ...spec.paint, ...wide(spec), ...Object.fromEntries(fainter(spec, opacity).filter(([, value]) => value !== undefined)) },
      })));
      drawnBy.set(layerId, specs);
      restyled.add(layerId);
      if (stale.has(layerId)) hatch(layerId);
    },
    fade(layerId, opacity) {
      for (const spec of drawnBy.get(layerId) ?? []) for (const [name, value] of fainter(spec, opacity)) map.setPaintProperty(spec.id, name, value);
    },
    /** Lay layers one over the other, the first on top; what the page itself draws stays above them. */
    arrange(ids) {
      for (const id of [...ids].reverse()) for (const part of partsOf(id)) map.moveLayer(part);
      const owned = new Set([...drawnBy.values()].flat().map((spec) => spec.id));
      const own = map.getStyle().layers.filter((layer) => layer.source && layer.source !== "base" && !owned.has(layer.id));
      for (const { id } of own) map.moveLayer(id);
    },
    partsOf,
    visible(layer, isVisible) {
      for (const id of partsOf(layer.id)) if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", isVisible && layer.count > 0 ? "visible" : "none");
    },
  };
}
