// The view of the user's own account: the user, the user's sessions, and how to revoke them.

import { call, endSession, logoutAll, now, ownSessions, whoAmI } from "./api.js";
import { ask, el, focusRow, get, row, showRows } from "./dom.js";
import { device, role, since, t, until } from "./language.js";
import { act, say } from "./messages.js";

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

function sessionRow(session, at) {
  const name = device(session.user_agent);
  const button = session.current
    ? el("button", { type: "button", click: () => get("logout").click() }, t("logout"))
    : el(
        "button",
        { type: "button", class: "danger", "aria-label": t("revoke_named", { device: name }) },
        t("revoke"),
      );
  if (!session.current) button.addEventListener("click", () => act(button, () => end(session, name, at)));
  return row(
    [
      [
        t("device"),
        el("bdi", {}, name),
        session.current ? el("span", { class: "badge" }, t("this_session")) : null,
        el("span", { class: "under" }, session.ip_address ?? ""),
      ],
      [t("created"), since(session.created_at)],
      [t("last"), since(session.last_activity)],
      [t("left"), until(session.until)],
      [t("action"), button],
    ],
    { "data-key": session.session_id, "data-current": session.current },
  );
}

async function end(session, name, at) {
  let told = "revoked";
  try {
    await endSession(session.session_id);
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    told = "not_active";
  }
  await load();
  say(told, { device: name });
  focusRow(get("mine-rows"), at, get("mine-list"));
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
  const everywhere = get("mine-everywhere");
  everywhere.addEventListener("click", () => act(everywhere, async () => {
    if (!(await ask(t("everywhere_ask"), t("everywhere_text"), t("everywhere")))) return;
    left("logged_out_all", { n: await logoutAll() });
  }));
}
