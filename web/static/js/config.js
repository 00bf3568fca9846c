/** What the server says about this page: language, district, texts. */

export const config = JSON.parse(document.getElementById("config").textContent);

/** Whether whoever is logged in may do this somewhere; the server asks again. */
export const may = (action) => config.visitor.may.includes(action);

/** A text by key, with {name} filled in. */
export function t(key, values = {}) {
  const text = config.texts[key];
  if (text === undefined) throw new Error(`no text '${key}'`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
