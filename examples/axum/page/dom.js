// Makes elements. Text goes in as text, never as markup: the policy of this page would refuse it.

const SVG = "http://www.w3.org/2000/svg";

export const get = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** An element; an attribute that is a function is a listener. */
export const el = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/**
 * A row of a table from `[label, content]` pairs, its first cell the row's header.
 *
 * The roles are said again because the narrow layout turns rows into blocks, which takes them away
 * in some browsers; the labels are what such a block shows in place of the column's header.
 */
export function row(cells, attributes = {}) {
  const made = cells.map(([label, ...content], at) =>
    at === 0
      ? el("th", { role: "rowheader", scope: "row" }, ...content)
      : el("td", { role: "cell", "data-label": label }, el("div", {}, ...content)),
  );
  return el("tr", { role: "row", ...attributes }, ...made);
}

/** Shows these rows; the focus stays in the row with the same `data-key`, if that is still there. */
export function showRows(body, rows) {
  const key = body.contains(document.activeElement) && document.activeElement.closest("tr").dataset.key;
  body.replaceChildren(...rows);
  if (key) rows.find((row) => row.dataset.key === key)?.querySelector("button")?.focus();
}

/** Puts the focus on the action of the row at `at`, on the last one, or, in an empty table, on `otherwise`. */
export function focusRow(body, at, otherwise) {
  const buttons = [...body.rows].map((row) => row.querySelector("button")).filter(Boolean);
  (buttons[Math.min(at, buttons.length - 1)] ?? otherwise).focus();
}

/** Asks before something that cannot be undone. Escape is no. */
export function ask(title, text, yes) {
  const dialog = get("ask");
  get("ask-title").textContent = title;
  get("ask-text").textContent = text;
  get("ask-yes").textContent = yes;
  return new Promise((answered) => {
    const controller = new AbortController();
    const { signal } = controller;
    let agreed = false;
    get("ask-yes").addEventListener("click", () => { agreed = true; dialog.close(); }, { signal });
    get("ask-no").addEventListener("click", () => dialog.close(), { signal });
    dialog.addEventListener("close", () => { controller.abort(); answered(agreed); }, { signal });
    dialog.showModal();
    get("ask-no").focus();
  });
}
