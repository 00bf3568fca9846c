/** What the server says about this page: language, district, texts. */

export const config = JSON.parse(document.getElementById("config").textContent);

/** A text by key, with {name} filled in. */
export function t(key, values = {}) {
  const text = config.texts[key];
  if (text === undefined) throw new Error(`no text '${key}'`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether the one who looks at this page may do something; the server decides again. */
export const may = (action) => config.may.includes(action);
