/** The planner's tools beside the layer tree, and the one document of the view that they share. */

import { t } from "./config.js";
import { el } from "./dom.js";
import { makeDraw } from "./draw.js";
import { makeMeasure } from "./measure.js";
import { at, setMoment } from "./moment.js";
import { makePrint } from "./print.js";
import { makeSwipe } from "./swipe.js";
import { makeViews } from "./views.js";
import { makeWorkbench } from "./workbench.js";

export function makePlanner(root, { view, layers }) {
  const tool = (name) => {
    const body = el("div", { class: "tool-body", id: `tool-${name}` });
    root.append(el("details", { class: "tool" }, el("summary", {}, el("h3", {}, t(`tool.${name}`))), body));
    return body;
  };
  const viewsNode = tool("views");
  const swipeNode = tool("swipe");
  const measureNode = tool("measure");
  const drawNode = tool("draw");
  const printNode = tool("print");
  const bench = el("section", { class: "tool-body", "aria-label": t("bench.layers") });
  root.append(bench);
  const workbench = makeWorkbench(bench, { view, layers });
  let views = null;
  const draw = makeDraw(drawNode, { view, onChange: () => views?.renew() });
  makeMeasure(measureNode, { view });
  const swipe = makeSwipe(swipeNode, { view, layers, workbench, onChange: () => views?.renew() });

  /** The document of what is on the screen, as `layers.views.map_view` reads it. */
  function written() {
    const { lng, lat } = view.map.getCenter();
    const drawing = draw.drawing();
    return {
      center: [lng, lat].map((degree) => Number(degree.toFixed(6))),
      zoom: Number(view.map.getZoom().toFixed(3)),
      ...(at() ? { at: at() } : {}),
      layers: workbench.written(),
      ...(swipe.written() ? { swipe: swipe.written() } : {}),
      ...(drawing.length ? { drawing: drawing.map(({ label, geometry }) => (label ? { label, geometry } : { geometry })) } : {}),
    };
  }
  function restore(wanted) {
    if (wanted.center) view.map.jumpTo({ center: wanted.center, zoom: wanted.zoom ?? view.map.getZoom() });
    setMoment(wanted.at ?? null);
    workbench.restore(wanted.layers);
    if (wanted.drawing) draw.restore(wanted.drawing);
    swipe.restore(wanted.swipe);
  }

  views = makeViews(viewsNode, { written, restore });
  makePrint(printNode, { view, written });
  workbench.onChange(views.renew);
  view.map.on("moveend", views.renew);

  const tabs = ["layers", "workbench"].map((name) => document.getElementById(`switch-${name}`));
  function select(tab, focus = false) {
    for (const one of tabs) {
      one.setAttribute("aria-selected", String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
    if (focus) tab.focus();
  }
  tabs.forEach((tab, k) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => { if (event.key === "ArrowLeft" || event.key === "ArrowRight") select(tabs[1 - k], true); });
  });
  return { restore, select: (name) => select(tabs.find((tab) => tab.id === `switch-${name}`), true) };
}
