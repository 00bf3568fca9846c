/**
 * Charts of numbers that stand as a table beside them (what they hold: web/charts.py). The library is fetched when the
 * first one comes into view, and only then.
 */

import { onTheme, resolved } from "./theme.js";

let library = null;
const drawn = new Map(); // node -> {chart, told}

const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const colour = (name) => resolved(`var(--${name})`);
const pixels = (node) => parseFloat(getComputedStyle(node).fontSize);

function series({ name, points, form, is_stacked: isStacked, is_bound: isBound }, k, { x: { values }, marks }) {
  const tone = colour(`chart-${1 + (k % 3)}`);
  const at = (x) => (values ? String(x) : x);
  return {
    name,
    type: form === "bar" ? "bar" : "line",
    step: form === "step" ? "end" : false,
    data: points.map(([x, y]) => [at(x), y]),
    stack: isStacked ? "all" : null,
    barMaxWidth: 64,
    symbol: form === "step" ? "none" : "circle",
    symbolSize: 8,
    itemStyle: { color: tone },
    lineStyle: { color: tone, width: 2.5, type: isBound ? "dashed" : "solid" },
    areaStyle: form === "step" ? { color: tone, opacity: 0.15 } : null,
    markLine: k === 0 && marks.length ? {
      symbol: "none", silent: true, data: marks.map((mark) => ({ xAxis: at(mark.x), name: mark.name })),
      lineStyle: { color: colour("ink"), type: "dotted", width: 1.5 },
      label: { formatter: "{b}", color: colour("ink"), position: "end", rotate: 0 },
    } : null,
  };
}

/** Where a scale of x ends: with the last point or mark. */
const farthest = ({ series: all, marks }) => Math.ceil(Math.max(...all.flatMap(({ points }) => points.map(([x]) => x)), ...marks.map(({ x }) => x)));

const shown = (value) => (typeof value === "number" ? number.format(value) : value);

/** The options of the library for a chart; `size` is that of the type, px. */
function options(told, size) {
  const [ink, soft, line, paper] = ["ink", "soft", "line", "paper"].map(colour);
  const text = { color: soft, fontSize: size };
  const named = { nameTextStyle: text, axisLabel: text, axisLine: { lineStyle: { color: soft } }, splitLine: { lineStyle: { color: line } } };
  return {
    animation: false,
    aria: { enabled: true, label: { enabled: false }, decal: { show: told.series.length > 1 } },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: size, color: ink },
    grid: { left: 4, right: 1.5 * size, bottom: 4, top: (told.series.length > 1 ? 1.8 : 0.2) * size, outerBoundsMode: "same" },
    legend: { show: told.series.length > 1, top: 0, right: 0, textStyle: { ...text, color: ink }, selectedMode: false },
    // Drawn, not markup: the policy of the page allows no style in markup, and a name stays a name.
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, backgroundColor: paper, borderColor: line, textStyle: { color: ink, fontSize: size },
      formatter: (rows) => [`${told.x.name}: ${shown(rows[0].value[0])}`, ...rows.map((row) => `${row.seriesName}: ${shown(row.value[1])}`)].join("\n"),
    },
    xAxis: {
      ...(told.x.values ? { type: "category", data: told.x.values.map(String) } : { type: "value", min: 0, max: farthest(told) }),
      name: told.x.name, nameLocation: "middle", nameGap: 1.9 * size, ...named, splitLine: { show: false },
    },
    yAxis: { type: "value", scale: !told.y.from_zero, name: told.y.name, nameTextStyle: { ...text, align: "left" }, nameGap: 0.8 * size, ...named, axisLabel: { ...text, formatter: (value) => number.format(value) } },
    series: told.series.map((one, k) => series(one, k, told)),
  };
}

async function paint(node) {
  const { told } = drawn.get(node);
  try {
    library ??= import("../vendor/echarts/echarts.esm.min.js");
    const { init } = await library;
    const one = drawn.get(node);
    if (!node.isConnected || one.told !== told) return;
    one.chart ??= init(node, null, { renderer: "canvas" });
    one.chart.setOption(options(JSON.parse(told), pixels(node)), true);
  } catch (error) {
    library = null; // the next one tries again; what it says stands here in words, and beside it as a table
    node.textContent = node.ariaLabel;
    console.warn(error);
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    paint(target);
  }
});
const sized = new ResizeObserver((entries) => { for (const { target } of entries) drawn.get(target)?.chart?.resize(); });

function forget(node) {
  drawn.get(node)?.chart?.dispose();
  drawn.delete(node);
  seen.unobserve(node);
  sized.unobserve(node);
}

/** Draw every chart under `root` that is new or says something else than before. */
export function drawCharts(root) {
  for (const node of drawn.keys()) if (!node.isConnected) forget(node);
  for (const node of root.querySelectorAll("[data-chart]")) {
    const told = node.dataset.chart;
    const before = drawn.get(node);
    if (before?.told === told) continue;
    drawn.set(node, { chart: before?.chart ?? null, told });
    if (before?.chart) paint(node);
    else {
      seen.observe(node);
      sized.observe(node);
    }
  }
}

onTheme(() => { for (const [node, { chart }] of drawn) if (chart) paint(node); });
