/** The line in the bar that says whether the page hears of changes; the same on the map and the boards. */

import { config, t } from "./config.js";
import { clockTime } from "./format.js";
import { follow, onState } from "./live.js";

/** Show the state of the stream, and follow it from what the page shows. */
export function showConnection() {
  const node = document.getElementById("connection");
  onState(({ state, revision, since }) => {
    const isLost = state === "lost";
    document.body.classList.toggle("offline", isLost);
    document.body.dataset.live = state;
    node.classList.toggle("lost", isLost);
    if (isLost) node.textContent = t("connection.lost", { time: clockTime(new Date(since)) });
    else node.textContent = t(state === "live" ? "connection.ok" : "connection.polled", { revision });
  });
  follow({ revision: config.revision, drawn: config.drawn, role: config.role });
}
