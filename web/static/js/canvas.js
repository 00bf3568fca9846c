/** A map of the map library, and how what it draws comes onto the screen. */

import { config, t } from "./config.js";
import { el } from "./dom.js";

const FONT = "'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";
const POLL_MS = 4;

let software;

/** Whether maps are drawn by the processor: then no frame is drawn for its looks alone. */
export function isSoftware() {
  if (software !== undefined) return software;
  const gl = document.createElement("canvas").getContext("webgl2");
  const told = gl?.getExtension("WEBGL_debug_renderer_info");
  software = Boolean(told) && /swiftshader|llvmpipe|software|basic render/i.test(gl.getParameter(told.UNMASKED_RENDERER_WEBGL));
  return software;
}

/** Do something once what was done before is on the screen. */
export function afterPaint(act) {
  requestAnimationFrame(() => setTimeout(act));
}

/**
 * Where the processor draws, a frame of the map takes longer than a hand should wait, and the page waits for it: what a
 * canvas of WebGL holds is read back when the page is painted. So the map draws where nobody sees it, after all else that
 * changed is on the screen, and each frame is shown once it is drawn.
 */
function drawApart(map) {
  const drawn = map.getCanvas();
  const gl = drawn.getContext("webgl2");
  const screen = el("canvas", { class: "map-screen", "aria-hidden": "true" });
  const paper = screen.getContext("2d", { alpha: false });
  drawn.classList.add("unseen");
  drawn.after(screen);
  const draw = map.triggerRepaint.bind(map);
  let isWanted = false;
  let isQueued = false;
  let fence = null; // of the frame that is being drawn
  let begun = 0;
  let took = 0;
  let stood = null; // where the map stood in the frame that is drawn
  let seen = null; // and in the one that is shown
  const stand = () => ({ center: map.getCenter(), zoom: map.getZoom() });

  function next() {
    if (!isWanted || isQueued || fence) return;
    isQueued = true;
    // While data arrives, what is to be drawn next has as much of the processor as what is drawn already.
    const rest = map.isMoving() || map.areTilesLoaded() ? 0 : took;
    setTimeout(() => afterPaint(() => {
      isQueued = isWanted = false;
      draw();
    }), rest);
  }
  map.triggerRepaint = () => {
    isWanted = true;
    next();
  };
  /** What is shown moves with the map, and with what the page lays over it, until the next frame is there. */
  function follow() {
    if (!seen) return;
    const { x, y } = map.project(seen.center);
    screen.style.transform = `translate(${x - screen.clientWidth / 2}px, ${y - screen.clientHeight / 2}px) scale(${2 ** (map.getZoom() - seen.zoom)})`;
  }
  function look() {
    if (!gl.isContextLost() && gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) return setTimeout(look, POLL_MS);
    gl.deleteSync(fence);
    fence = null;
    took = performance.now() - begun;
    if (screen.width !== drawn.width || screen.height !== drawn.height) [screen.width, screen.height] = [drawn.width, drawn.height];
    paper.drawImage(drawn, 0, 0);
    seen = stood;
    follow();
    return next();
  }
  map.on("render", () => {
    const isFirst = !fence;
    begun = performance.now();
    if (fence) gl.deleteSync(fence);
    fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    stood = stand();
    if (isFirst) setTimeout(look, POLL_MS);
  });
  map.on("move", follow);
}

/** A new map; how it is drawn is said here, all else by `options`. */
export function newMap(options) {
  const { maplibregl } = window;
  maplibregl.setWorkerUrl(new URL(config.worker, location.href).href);
  const map = new maplibregl.Map({
    attributionControl: false,
    maxZoom: 19,
    fadeDuration: 0,
    localIdeographFontFamily: FONT,
    locale: { "Map.Title": t("map.name"), "Marker.Title": t("map.mark"), "NavigationControl.ZoomIn": t("map.zoom_in"), "NavigationControl.ZoomOut": t("map.zoom_out"), "Popup.Close": t("close") },
    ...options,
    ...(isSoftware() ? { fadeDuration: 0, pixelRatio: Math.min(1, devicePixelRatio), canvasContextAttributes: { preserveDrawingBuffer: true } } : {}),
  });
  if (isSoftware()) drawApart(map);
  return map;
}
