/** What makes the boards handier where there are scripts; every page works without. */

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

/** Draw the live part of a page anew, unless somebody is at work in it. */
async function refresh(live) {
  const busy = live.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  if (document.hidden || busy) return;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const open = [...live.querySelectorAll("details")].map((node) => node.open);
    const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    live.replaceChildren(...page.getElementById("live").childNodes);
    live.querySelectorAll("details").forEach((node, k) => { node.open = open[k] ?? node.open; });
    if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    document.querySelector(".made time").replaceWith(page.querySelector(".made time"));
    document.querySelector(".made").classList.remove("stale");
    tick();
  } catch {
    document.querySelector(".made").classList.add("stale");
  }
}

/** A scanned lot ticks its row at once; one that is not of the order goes to the server, which says so. */
function scanning(field) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const code = field.value.trim();
    const rows = [...field.form.querySelectorAll("tr[data-lot]")].filter((row) => code && [row.dataset.lot, row.dataset.lotId].includes(code));
    if (!rows.length) return;
    event.preventDefault();
    for (const row of rows) {
      row.classList.add("scanned");
      row.querySelector("input[type=checkbox]").checked = true;
    }
    field.value = "";
  });
}

tick();
setInterval(tick, 1000);
const live = document.getElementById("live");
if (live) setInterval(refresh, Number(live.dataset.refresh) * 1000, live);
document.getElementById("problem")?.focus();
const scan = document.getElementById("scan");
if (scan) scanning(scan);
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent += " ✓";
  }, { once: true });
}
for (const form of document.querySelectorAll("form[method=post]")) {
  // The name of the button has to be sent first; the key of the form makes a second press harmless anyway.
  form.addEventListener("submit", () => setTimeout(() => {
    for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true;
  }));
}
window.addEventListener("pageshow", (event) => {
  if (event.persisted) for (const button of document.querySelectorAll("button[type=submit]")) button.disabled = false;
});
