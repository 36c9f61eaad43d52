// Creates elements. Text is inserted as text, never as markup, which the page's policy forbids.

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

/** Creates an element. An attribute that is a function becomes an event listener. */
export const el = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/**
 * Creates a table row from `[label, content]` pairs. The first cell is the row's header.
 *
 * The roles are set explicitly: the narrow layout displays rows as blocks, and some browsers then
 * drop the roles. Such a block shows the label in place of the column's header.
 */
export function row(cells, attributes = {}) {
  const made = cells.map(([label, ...content], at) =>
    at === 0
      ? el("th", { role: "rowheader", scope: "row" }, ...content)
      : el("td", { role: "cell", "data-label": label }, el("div", {}, ...content)),
  );
  return el("tr", { role: "row", ...attributes }, ...made);
}

/** Shows these rows. The focus stays in the row with the same `data-key`, if there is one. */
export function showRows(body, rows) {
  keepFocus(body, rows, () => body.replaceChildren(...rows));
}

/**
 * Shows lists of rows. Each list gets a `tbody` of its own, so that a header with the scope
 * `rowgroup` in its first row belongs to the rows of that list only.
 */
export function showGroups(table, groups) {
  const bodies = groups.map((rows) => el("tbody", { role: "rowgroup" }, ...rows));
  keepFocus(table, groups.flat(), () => {
    for (const body of [...table.tBodies]) body.remove();
    table.append(...bodies);
  });
}

function keepFocus(within, rows, show) {
  const key = within.contains(document.activeElement) && document.activeElement.closest("tr").dataset.key;
  show();
  if (key) rows.find((row) => row.dataset.key === key)?.querySelector("button")?.focus();
}

const rowButtons = (rows) => [...rows].map((row) => row.querySelector("button")).filter(Boolean);

/** Returns the place of the button's row among the rows with a button, for `focusRow`. */
export const placeOf = (table, button) => rowButtons(table.rows).indexOf(button);

/** Focuses the button of the row at `at`, else of the last row; in an empty table, `otherwise`. */
export function focusRow(table, at, otherwise) {
  const buttons = rowButtons(table.rows);
  (buttons[Math.min(at, buttons.length - 1)] ?? otherwise).focus();
}

/** Asks before an action that cannot be undone. The Escape key means no. */
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
