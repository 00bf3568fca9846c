/** What makes the boards handier where there are scripts; every page works without. */

import { drawCharts } from "./charts.js";
import { keepLive } from "./renew.js";

const pad = (n) => String(n).padStart(2, "0");

/** Clocks that count down to a moment. */
function tick() {
  for (const node of document.querySelectorAll(".clock[data-until]")) {
    const left = Math.max(0, Math.round((new Date(node.dataset.until).getTime() - Date.now()) / 1000));
    const hours = Math.floor(left / 3600);
    node.textContent = `${hours ? `${hours}:` : ""}${pad(Math.floor(left / 60) % 60)}:${pad(left % 60)}`;
    node.classList.toggle("urgent", left < 300);
  }
}

/** A scanned lot ticks its row at once; one that is not of the order goes to the server, which says so. */
function scanned(event) {
  const field = event.target;
  if (event.key !== "Enter" || field.id !== "scan") return;
  const code = field.value.trim();
  const rows = [...field.form.querySelectorAll("tr[data-lot]")].filter((row) => code && [row.dataset.lot, row.dataset.lotId].includes(code));
  if (!rows.length) return;
  event.preventDefault();
  for (const row of rows) row.querySelector("input[type=checkbox]").checked = true;
  field.value = "";
}

async function copy(button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
  if (!button.textContent.endsWith(" ✓")) button.textContent += " ✓";
}

const buttonsOf = (form) => form.querySelectorAll("button[type=submit]");

document.documentElement.classList.add("scripted");
document.documentElement.classList.toggle("can-copy", Boolean(navigator.clipboard));
const live = document.getElementById("live");
tick();
setInterval(tick, 1000);
drawCharts(live);
keepLive(live, () => {
  tick();
  drawCharts(live);
});
document.getElementById("problem")?.focus();
document.addEventListener("keydown", scanned);
document.addEventListener("click", ({ target }) => {
  if (target.matches("[data-print]")) window.print();
  if (target.matches("[data-copy]")) copy(target);
});
document.addEventListener("submit", ({ target }) => {
  // The name of the button has to be sent first; the key of the form makes a second press harmless anyway.
  if (target.method === "post") setTimeout(() => { for (const button of buttonsOf(target)) button.disabled = true; });
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) for (const button of buttonsOf(document)) button.disabled = false;
});
