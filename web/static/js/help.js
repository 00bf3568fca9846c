/** Help on the map page: the menu with guide, keys and tour. */

import { makeKeys } from "./keys.js";
import { makeTour } from "./tour.js";

export function makeHelp({ tabs, view, planner }) {
  const menu = document.getElementById("help");
  const opener = menu.querySelector("summary");
  const toMap = () => view.map.getCanvas().focus();
  const tour = makeTour();
  const keys = makeKeys({
    toMap,
    toPanel(name) {
      const isInTree = name === "layers" || name === "workbench";
      if (!isInTree) return tabs.select(name, { focus: true });
      if (document.getElementById("tab-layers").checkVisibility()) tabs.select("layers");
      return planner.select(name);
    },
    closeTopmost() {
      if (menu.open) {
        menu.open = false;
        opener.focus();
        return;
      }
      if (tour.close() || !view.popupNode()) return;
      const hadFocus = view.popupNode().contains(document.activeElement);
      view.closePopup();
      if (hadFocus) toMap();
    },
  });
  const chosen = (run) => () => {
    menu.open = false;
    opener.focus(); // where the focus goes back to
    run();
  };
  document.getElementById("help-keys").addEventListener("click", chosen(keys.open));
  document.getElementById("help-tour").addEventListener("click", chosen(() => tour.start(opener)));
  document.addEventListener("pointerdown", ({ target }) => { if (!menu.contains(target)) menu.open = false; });
  tour.offer();
}
