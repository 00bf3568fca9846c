/** Elements from plain values. Text always goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.setAttribute("class", value);
    else if (name in node && typeof value === "boolean") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An HTML element; attributes that begin with "on" are listeners. */
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Replace what is in a node. */
export function show(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** A table from a head and rows of cells (text or nodes); `numeric` lists the columns that align right. */
export function table(caption, head, rows, { numeric = [], classes = "" } = {}) {
  const side = (k) => (numeric.includes(k) ? "num" : null);
  return el(
    "table",
    { class: classes || null },
    caption ? el("caption", {}, caption) : null,
    el("thead", {}, el("tr", {}, head.map((text, k) => el("th", { scope: "col", class: side(k) }, text)))),
    el("tbody", {}, rows.map((row) => (row instanceof Node ? row : el("tr", {}, row.map((cell, k) => el("td", { class: side(k) }, cell)))))),
  );
}
