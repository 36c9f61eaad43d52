// The administrators' statistics: the number of sessions, by role and by the time that is left.

import { call } from "./api.js";
import { chart } from "./chart.js";
import { get } from "./dom.js";
import { number, role, since, span, t } from "./language.js";
import { act, say } from "./messages.js";

/** The upper bounds, in seconds, of the columns of "by time left". The last column has none. */
const BOUNDS = [300, 900, 1800, 3600, 21_600, 86_400];
const PAGE = 1000;
const PAGES = 10;

let stats = null;
let left = null;

export async function load() {
  const [counted, walked] = await Promise.all([call("GET", "/api/session/stats"), walk()]);
  stats = counted;
  left = walked;
  draw();
}

/** Returns the time left of all sessions, or of those on the first ten pages of 1,000. */
async function walk() {
  const found = new Map();
  let cursor = null;
  for (let page = 0; page < PAGES; page += 1) {
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await call("GET", `/api/session/all?limit=${PAGE}${from}`);
    for (const session of answer.sessions) found.set(session.session_id, session.ttl);
    cursor = answer.next_cursor ?? null;
    if (cursor === null) break;
  }
  return { ttls: [...found.values()], whole: cursor === null };
}

export function clear() {
  stats = null;
  left = null;
  draw();
}

export function draw() {
  get("stats-total").textContent = stats ? number(stats.total_sessions) : "";
  get("stats-average").textContent = stats ? span(stats.average_ttl) : "";
  get("stats-as-of").replaceChildren(stats ? since(stats.as_of) : "");
  if (stats === null || left === null) {
    get("chart-role").replaceChildren();
    get("chart-left").replaceChildren();
    return;
  }
  const roles = Object.entries(stats.sessions_by_role).map(([name, n]) => ({ label: role(name), n }));
  roles.sort((a, b) => b.n - a.n);
  chart(get("chart-role"), t("by_role"), t("by_left_of", { n: stats.total_sessions }), t("role"), roles);
  const note = t(left.whole ? "by_left_of" : "by_left_first", { n: left.ttls.length });
  chart(get("chart-left"), t("by_left"), note, t("left"), columns(left.ttls));
}

function columns(ttls) {
  const bounds = [0, ...BOUNDS, Infinity];
  return bounds.slice(1).map((to, at) => {
    const from = bounds[at];
    const label = at === 0 ? t("up_to", { to: span(to) })
      : to === Infinity ? t("more_than", { from: span(from) })
      : t("between", { from: span(from), to: span(to) });
    // A new session has its whole lifetime left and belongs to the column that ends with it.
    return { label, n: ttls.filter((ttl) => (ttl > from || at === 0) && ttl <= to).length };
  });
}

export function start() {
  const reload = get("stats-reload");
  reload.addEventListener("click", () => act(reload, async () => {
    await load();
    say("stats_updated");
  }));
}
