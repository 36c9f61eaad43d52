// A bar chart, and its numbers as a table.

import { el, svg } from "./dom.js";
import { number, percent, t } from "./language.js";

const ROW = 46;

/** Shows `rows` of `{label, n}` in a `figure`. The chart's accessible name contains all of them. */
export function chart(figure, title, note, first, rows) {
  // The table stays open when the chart is drawn again.
  const open = figure.querySelector("details")?.open ?? false;
  const caption = el("figcaption", {},
    el("h2", { id: `${figure.id}-title` }, title),
    el("p", { class: "quiet" }, note),
  );
  figure.replaceChildren(caption, bars(title, rows), table(title, first, rows, open));
}

const total = (rows) => rows.reduce((sum, { n }) => sum + n, 0);

/** The length of each bar is its share of the total. */
function bars(title, rows) {
  const all = Math.max(1, total(rows));
  const told = rows.map(({ label, n }) => `${label}: ${number(n)}`).join(", ");
  const drawn = rows.flatMap(({ label, n }, at) => [
    svg("text", { x: 0, y: at * ROW + 16, class: "label" }, label),
    svg("text", { x: "100%", y: at * ROW + 16, class: "value", "text-anchor": "end" }, number(n)),
    svg("rect", { x: 0, y: at * ROW + 24, width: "100%", height: 10, rx: 5, class: "track" }),
    svg("rect", { x: 0, y: at * ROW + 24, width: `${(n / all) * 100}%`, height: 10, rx: 5, class: "bar", "data-n": n }),
  ]);
  // No viewBox: the widths are percentages, so the text has the same size on every screen.
  return svg("svg", { role: "img", "aria-label": `${title}. ${told}`, width: "100%", height: rows.length * ROW }, ...drawn);
}

function table(title, first, rows, open) {
  const all = total(rows);
  const head = (text) => el("th", { scope: "col" }, text);
  const body = rows.map(({ label, n }) =>
    el("tr", {},
      el("th", { scope: "row" }, label),
      el("td", { "data-n": n }, number(n)),
      el("td", {}, percent(all === 0 ? 0 : n / all)),
    ),
  );
  return el("details", { open },
    el("summary", {}, t("as_table")),
    el("table", { class: "plain" },
      el("caption", {}, title),
      el("thead", {}, el("tr", {}, head(first), head(t("count")), head(t("share")))),
      el("tbody", {}, ...body),
    ),
  );
}
