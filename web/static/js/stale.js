/** How a layer that is older than it may be is drawn: hatched, whatever it is. Knows no layer by name. */

import { t } from "./config.js";
import { ageSince, stamp } from "./format.js";
import { resolved } from "./theme.js";

const TIES = [0.35, 1.1]; // short ties across a line, in widths
const LEAST_WIDTH = 7;
const COLOUR = "var(--stale-mark)";
const PLACE = ["source", "source-layer", "filter", "minzoom", "maxzoom"];

const name = (shape, size) => `mark:${shape}:${resolved(COLOUR)}:${size}`;

/** A part of the style over another one, of the same rows. */
const over = (spec, type, rest) => ({ ...Object.fromEntries(PLACE.filter((key) => key in spec).map((key) => [key, spec[key]])), id: `${spec.id}-stale`, metadata: spec.metadata, type, ...rest });

const hatch = (spec) => over(spec, "fill", { paint: { "fill-pattern": name("hatch-cross", 16), "fill-antialias": false, "fill-opacity": 0.6 } });

const ring = (spec, size) => over(spec, "symbol", { layout: { "icon-image": name("stale-ring", 22), "icon-allow-overlap": true, "icon-ignore-placement": true, ...(size ? { "icon-size": size } : {}) } });

function ties(spec) {
  const width = spec.paint?.["line-width"];
  const wide = typeof width === "number" ? Math.max(LEAST_WIDTH, width * 2) : LEAST_WIDTH;
  return over(spec, "line", { layout: { "line-cap": "butt" }, paint: { "line-color": resolved(COLOUR), "line-width": wide, "line-dasharray": TIES } });
}

/**
 * What lies over the parts that draw a layer, bottom first: a hatch over areas, also over those of which only the
 * outline is drawn; ties across lines; a hatched ring around points; nothing over names.
 */
export function staleParts(specs, geometry) {
  const areas = specs.find((spec) => geometry === "polygon" && spec.type !== "symbol");
  const points = specs.filter((spec) => spec.type === "circle" || spec.layout?.["icon-image"]);
  const lines = geometry === "line" ? specs.filter((spec) => spec.type === "line") : [];
  return [...(areas ? [hatch(areas)] : []), ...lines.map(ties), ...points.map((spec) => ring(spec, spec.layout?.["icon-size"]))];
}

/** Since when a layer is stale, in words; nothing for one that is not. */
export function staleText(layer) {
  if (!layer.stale) return "";
  return t("layers.stale", { time: stamp(layer.stale_since_utc), age: ageSince(layer.stale_since_utc) });
}
