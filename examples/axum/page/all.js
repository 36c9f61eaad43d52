// The administrators' view of all sessions, grouped by user: page by page, or those of one user.
// Sessions can be revoked one by one, or all sessions of a user at once.

import { call, now, userPath, whoAmI } from "./api.js";
import { ask, el, focusRow, get, placeOf, row, showGroups } from "./dom.js";
import { device, moment, quoted, role, since, t, until } from "./language.js";
import { act, say } from "./messages.js";

let sessions = [];
let cursor = null;
/** The user whose sessions are shown; null for the sessions of all users. */
let only = null;
let loaded = false;
/** Counts requests: the response to an old request is ignored if there is a newer request. */
let turn = 0;

/** Loads the first page of all sessions, or the sessions of one user. */
export async function load(whose = only) {
  const mine = ++turn;
  const answer = await call("GET", whose === null ? "/api/session/all" : userPath(whose));
  if (mine !== turn) return;
  only = whose;
  sessions = [];
  add(answer);
}

async function loadMore() {
  const mine = ++turn;
  const seen = new Set(sessions.map((session) => session.session_id));
  const answer = await call("GET", `/api/session/all?cursor=${encodeURIComponent(cursor)}`);
  if (mine !== turn) return;
  add(answer);
  // The button may be hidden now, so the focus moves to the first new row. A user's new rows are in
  // the same group as the earlier ones.
  const rows = [...get("all-rows").querySelectorAll("tr[data-key]")];
  const first = rows.find((row) => !row.dataset.user && !seen.has(row.dataset.key));
  if (first) first.querySelector("button").focus();
  else if (cursor === null) focusRow(get("all-rows"), Infinity, get("all-list"));
}

function add(answer) {
  const at = now();
  const known = new Set(sessions.map((session) => session.session_id));
  // A scan of a store in use may return a session twice.
  const fresh = answer.sessions.filter((session) => !known.has(session.session_id));
  sessions.push(...fresh.map((session) => ({
    ...session,
    user_id: session.user_id ?? answer.user_id,
    until: at + session.ttl * 1000,
  })));
  cursor = answer.next_cursor ?? null;
  loaded = true;
  draw();
}

export function clear() {
  turn += 1;
  sessions = [];
  cursor = null;
  only = null;
  loaded = false;
  get("search-user").value = "";
  get("search-wrong").textContent = "";
  draw();
}

export function draw() {
  const n = sessions.length;
  const caption = () => {
    if (only === null) return t(cursor === null ? "all_count" : "all_count_more", { n });
    return t(n === 0 ? "user_none" : "user_count", { n, id: quoted(only) });
  };
  get("all-caption").textContent = loaded ? caption() : "";
  get("all-more").hidden = cursor === null;
  const groups = [...byUser()].map(([id, own]) => [userRow(id, own), ...own.map(sessionRow)]);
  showGroups(get("all-rows"), groups);
}

/** Returns the sessions of each user. Users are in the order of their first sessions. */
function byUser() {
  const users = new Map();
  for (const session of sessions) {
    const own = users.get(session.user_id);
    if (own) own.push(session);
    else users.set(session.user_id, [session]);
  }
  return users;
}

/** Creates the heading of a user's sessions. */
function userRow(id, own) {
  const name = own.find((session) => session.user_name)?.user_name;
  // Further pages may have more sessions of this user.
  const count = t(cursor === null ? "group_count" : "all_count", { n: own.length });
  const every = danger("revoke_all", t("revoke_all_named", { id: quoted(id) }), (at) => revokeAll(id, at));
  return el("tr", { role: "row", class: "group", "data-key": `user ${id}`, "data-user": id },
    el("th", { role: "rowheader", scope: "rowgroup", colspan: 4 },
      el("bdi", {}, name ?? id),
      el("span", { class: "under" }, ...(name ? [el("bdi", {}, id), " · "] : []), el("span", { class: "count" }, count)),
    ),
    el("td", { role: "cell", "data-label": t("action") }, el("div", {}, every)),
  );
}

function sessionRow(session) {
  const id = quoted(session.user_id);
  const short = session.session_id.slice(0, 8);
  const one = danger("revoke", t("revoke_one_named", { id, session: short }), (at) => revokeOne(session, at));
  return row(
    [
      [t("session"), el("code", {}, short), ...details(session)],
      [t("role"), el("bdi", {}, role(session.role))],
      [t("last"), since(session.last_activity)],
      [t("left"), until(session.until)],
      [t("action"), one],
    ],
    { "data-key": session.session_id },
  );
}

/** Shows the fields that only the response for one user has. */
function details(session) {
  if (!("created_at" in session)) return [];
  return [
    el("span", { class: "under" },
      el("bdi", {}, device(session.user_agent)), " · ", el("bdi", {}, session.ip_address ?? t("unknown"))),
    el("span", { class: "under" }, t("created"), ": ", moment(session.created_at)),
  ];
}

/** Creates a button that asks first. `work` gets the place of its row, for `focusRow`. */
function danger(text, label, work) {
  const button = el("button", { type: "button", class: "danger", "aria-label": label }, t(text));
  button.addEventListener("click", () => act(button, () => work(placeOf(get("all-rows"), button))));
  return button;
}

async function revokeOne(session, at) {
  const path = userPath(session.user_id);
  if (path === null) return refuse("search_path");
  const named = { id: quoted(session.user_id), session: session.session_id.slice(0, 8) };
  if (!(await ask(t("revoke_one_ask", named), t("revoke_one_text", named), t("revoke")))) return;
  let told = "revoke_one_done";
  try {
    await call("DELETE", `${path}/sessions/${encodeURIComponent(session.session_id)}`);
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    told = "not_active";
  }
  await revoked(({ session_id }) => session_id !== session.session_id, told, named, at);
}

async function revokeAll(id, at) {
  const path = userPath(id);
  if (path === null) return refuse("search_path");
  const named = { id: quoted(id) };
  if (!(await ask(t("revoke_all_ask", named), t("revoke_all_text", named), t("revoke_all")))) return;
  const { deleted_count: n } = await call("DELETE", path);
  await revoked((session) => session.user_id !== id, "revoke_all_done", { ...named, n }, at);
}

/** Removes revoked sessions from the list. The sessions of all loaded pages stay in place. */
async function revoked(stays, told, values, at) {
  // The response to an earlier request would show them again.
  turn += 1;
  sessions = sessions.filter(stays);
  draw();
  // This request reports whether the administrator's own session was revoked.
  await whoAmI();
  say(told, values);
  focusRow(get("all-rows"), at, get("all-list"));
}

function refuse(text) {
  const input = get("search-user");
  get("search-wrong").textContent = text === null ? "" : t(text);
  input.toggleAttribute("aria-invalid", text !== null);
  if (text !== null) input.focus();
}

export function start() {
  const search = get("search");
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = get("search-user").value;
    if (id === "") return refuse("search_empty");
    if (userPath(id) === null) return refuse("search_path");
    refuse(null);
    act(search, async () => {
      await load(id);
      get("all-list").focus();
    });
  });
  const showAll = get("search-all");
  showAll.addEventListener("click", () => act(showAll, async () => {
    refuse(null);
    get("search-user").value = "";
    await load(null);
    get("all-list").focus();
  }));
  const reload = get("all-reload");
  reload.addEventListener("click", () => act(reload, async () => {
    await load();
    say("reloaded");
  }));
  const more = get("all-more");
  more.addEventListener("click", () => act(more, loadMore));
  const cleanup = get("all-cleanup");
  cleanup.addEventListener("click", () => act(cleanup, async () => {
    const { cleaned_count: n } = await call("POST", "/api/session/cleanup");
    await load();
    say("cleaned", { n });
  }));
}
