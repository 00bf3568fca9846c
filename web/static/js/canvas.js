/** A map of the map library, and how what it draws comes onto the screen. */

import { config, t } from "./config.js";
import { el } from "./dom.js";

const FONT = "'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";
const POLL_MS = 4; // between two looks whether a frame is drawn
const REST_MS = 150; // at most, after a frame

let software;
/** Whether maps are drawn by the processor: then no frame is drawn for its looks alone. */
function isSoftware() {
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
  screen.hidden = true;
  const draw = map.triggerRepaint.bind(map);
  let isWanted = false;
  let isQueued = false;
  let fence = null; // of the frame that is being drawn
  let begun = 0;
  let took = 0;
  let stood = null; // where the map stood in the frame that is drawn
  let seen = null; // and in the one that is shown

  function next() {
    if (!isWanted || isQueued || fence) return;
    // While data arrives, what is to be drawn next has as much of the processor as what is drawn already.
    const rest = !map.style || map.isMoving() || map.areTilesLoaded() ? 0 : Math.min(took, REST_MS);
    isQueued = true;
    setTimeout(() => afterPaint(() => {
      isQueued = isWanted = false;
      draw();
    }), rest);
  }
  map.triggerRepaint = () => {
    isWanted = true;
    screen.dataset.drawing = "true"; // until what is wanted is shown
    next();
  };
  /** What is shown moves with the map, and with what the page lays over it, until the next frame is there. */
  function follow() {
    if (!seen) return;
    const { x, y } = map.project(seen.center);
    screen.style.transform = `translate(${x - seen.width / 2}px, ${y - seen.height / 2}px) scale(${2 ** (map.getZoom() - seen.zoom)})`;
  }
  function look() {
    if (!fence) return; // gone with its context, or with the map
    if (gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) {
      setTimeout(look, POLL_MS);
      return;
    }
    gl.deleteSync(fence);
    fence = null;
    took = performance.now() - begun;
    seen = stood;
    if (screen.width !== drawn.width || screen.height !== drawn.height) [screen.width, screen.height] = [drawn.width, drawn.height];
    [screen.style.width, screen.style.height] = [`${seen.width}px`, `${seen.height}px`];
    screen.hidden = false;
    paper.drawImage(drawn, 0, 0);
    follow();
    if (!isWanted) delete screen.dataset.drawing;
    next();
  }
  map.on("render", () => {
    stood = { center: map.getCenter(), zoom: map.getZoom(), width: drawn.clientWidth, height: drawn.clientHeight };
    if (fence) return; // drawn over what is being drawn: shown with it
    begun = performance.now();
    fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    setTimeout(look, POLL_MS);
  });
  map.on("move", follow);
  const forget = () => { fence = null; };
  map.on("remove", forget);
  drawn.addEventListener("webglcontextlost", forget);
}

/** A new map, north up and flat; where and of what is said by `options`. */
export function newMap(options) {
  const { maplibregl } = window;
  maplibregl.setWorkerUrl(new URL(config.worker, location.href).href);
  const map = new maplibregl.Map({
    attributionControl: false,
    maxZoom: 19,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    localIdeographFontFamily: FONT,
    locale: { "Map.Title": t("map.name"), "Marker.Title": t("map.mark"), "NavigationControl.ZoomIn": t("map.zoom_in"), "NavigationControl.ZoomOut": t("map.zoom_out"), "Popup.Close": t("close") },
    ...options,
    ...(isSoftware() ? { fadeDuration: 0, pixelRatio: Math.min(1, devicePixelRatio), canvasContextAttributes: { preserveDrawingBuffer: true } } : {}),
  });
  if (isSoftware()) drawApart(map);
  return map;
}
