// The view of the user's own account: the user, the user's sessions, and how to revoke them.

import { Problem, away, call, endSession, loggedIn, logoutAll, now, ownSessions, stale, whoAmI } from "./api.js";
import { ask, el, focusRow, get, placeOf, row, showRows } from "./dom.js";
import { device, moment, role, since, t, until } from "./language.js";
import { act, alarm, say } from "./messages.js";

let me = null;
let sessions = [];

export const whoIAm = () => me;

/** Sets the user after a login or a restored login. */
export function known(user) {
  me = user;
  draw();
}

/** Loads the user and the sessions again; the role may have changed since the login. */
export async function load() {
  const [user, list] = await Promise.all([whoAmI(), ownSessions()]);
  me = user;
  const at = now();
  sessions = list.map((session) => ({ ...session, until: at + session.ttl * 1000 }));
  draw();
}

/** When this session expires if it is not used, by the server's clock; null if unknown. */
export const ownEnd = () => sessions.find((session) => session.current)?.until ?? null;

export function clear() {
  me = null;
  sessions = [];
  draw();
}

export function draw() {
  get("who-name").textContent = me?.user_name ?? "";
  get("who-id").textContent = me?.user_id ?? "";
  get("who-email").textContent = me?.email ?? "";
  get("who-role").textContent = me ? role(me.role) : "";
  get("mine-caption").textContent = me ? t("mine_count", { n: sessions.length }) : "";
  showRows(get("mine-rows"), sessions.map(sessionRow));
}

function sessionRow(session) {
  const name = device(session.user_agent);
  const button = session.current
    ? el("button", { type: "button", click: () => get("logout").click() }, t("logout"))
    : el(
        "button",
        { type: "button", class: "danger", "aria-label": t("revoke_named", { device: name }) },
        t("revoke"),
      );
  if (!session.current) button.addEventListener("click", () => act(button, () => revokeOne(session, name, button)));
  return row(
    [
      [
        t("device"),
        el("bdi", {}, name),
        ...(session.current ? [" ", el("span", { class: "badge" }, t("this_session"))] : []),
      ],
      [t("address"), el("bdi", {}, session.ip_address ?? t("unknown"))],
      [t("created"), moment(session.created_at)],
      [t("last"), since(session.last_activity)],
      [t("left"), until(session.until)],
      [t("action"), button],
    ],
    { "data-key": session.session_id, "data-current": session.current },
  );
}

/** Revokes a session. Returns whether it was still active. */
async function revoke({ session_id: id }) {
  try {
    await endSession(id);
    return true;
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    return false;
  }
}

async function revokeOne(session, name, button) {
  const at = placeOf(get("mine-rows"), button);
  const wasActive = await revoke(session);
  await load();
  say(wasActive ? "revoked" : "not_active", { device: name });
  focusRow(get("mine-rows"), at, get("mine-list"));
}

/**
 * Revokes the user's other sessions one by one. If that fails for some of them, these stay in the
 * list, and the message gives the number of those that succeeded.
 */
async function revokeOthers() {
  // Sessions may have begun since the list was loaded.
  await load();
  const others = sessions.filter((session) => !session.current);
  const over = new Set();
  let failure = null;
  for (const session of others) {
    try {
      await revoke(session);
      over.add(session.session_id);
    } catch (problem) {
      // If this login is over, the login view shows why.
      if (!(problem instanceof Problem) || !loggedIn() || stale(problem)) throw problem;
      failure = problem;
      if (away(problem)) break;
    }
  }
  sessions = sessions.filter((session) => !over.has(session.session_id));
  draw();
  if (failure) alarm(failure, "others_failed", { n: others.length, done: over.size });
  else say(others.length === 0 ? "others_none" : "others_done", { n: others.length });
}

/** `left(name, values)` is called after a logout, with the text to show. */
export function start(left) {
  const reload = get("mine-reload");
  reload.addEventListener("click", () => act(reload, async () => {
    await load();
    say("reloaded");
  }));
  const refresh = get("mine-refresh");
  refresh.addEventListener("click", () => act(refresh, async () => {
    await call("POST", "/api/session/refresh");
    await load();
    say("extended");
  }));
  const others = get("mine-others");
  others.addEventListener("click", () => act(others, async () => {
    if (await ask(t("others_ask"), t("others_text"), t("others"))) await revokeOthers();
  }));
  const everywhere = get("mine-everywhere");
  everywhere.addEventListener("click", () => act(everywhere, async () => {
    if (!(await ask(t("everywhere_ask"), t("everywhere_text"), t("everywhere")))) return;
    left("logged_out_all", { n: await logoutAll() });
  }));
}
