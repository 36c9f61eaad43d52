// Sends requests to the server as the logged-in user. The client keeps the login for all tabs, and
// the page never sees a token.

import { AuthError as Problem, AuthService, NetworkError } from "./client.js";

export { Problem };

let skew = 0;
let turn = 0;
const listeners = { changed() {}, waiting() {} };
const waits = new Map();

/** How long requests are repeated while the store is unavailable, in milliseconds. */
const PATIENCE = 60_000;
/** Codes of errors that are not shown, because the login has changed meanwhile. */
const STALE = new Set(["superseded", "not_logged_in"]);

const auth = new AuthService({
  baseUrl: "/api/auth",
  async fetch(...request) {
    const response = await fetch(...request);
    const date = Date.parse(response.headers.get("date") ?? "");
    // `Date` has whole seconds, so a difference of less than two seconds counts as none.
    if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
    return response;
  },
});
auth.subscribe((change) => {
  turn += 1;
  listeners.changed(change);
});

/**
 * Sets the listeners. `changed(change)`: the login has changed, here or in another tab.
 * `waiting(problem)`: the store is unavailable; null when it is available again.
 */
export function listen(heard) {
  Object.assign(listeners, heard);
}

export const loggedIn = () => auth.loggedIn;

/** Whether the server or the store did not answer, so that another request would fail as well. */
export const away = (problem) => problem instanceof NetworkError || problem.status === 503;

/** Whether this problem is not shown, because the login has changed meanwhile. */
export const stale = (problem) => STALE.has(problem.code);

/**
 * The current time by the server's clock, in milliseconds. The server's times are compared with it,
 * because this machine's clock may be wrong.
 */
export const now = () => Date.now() + skew;

/** Logs in. The request is sent once only: a second one could create a second session. */
export const login = (name, password) =>
  auth.login({ ...(name.includes("@") ? { email: name } : { user_id: name }), password });

/** Returns whether the browser is still logged in, after a reload of the page. */
export const restore = () => patiently(() => auth.restore());
export const logout = () => patiently(() => auth.logout());
export const logoutAll = () => patiently(() => auth.logoutAll());
export const whoAmI = () => patiently(() => auth.getMe());
export const ownSessions = () => patiently(() => auth.sessions());
export const endSession = (id) => patiently(() => auth.endSession(id));

/** Sends a request to any other route, and returns the parsed body. */
export const call = (method, path) => patiently(async () => {
  const headers = { accept: "application/json" };
  const options = { method, headers, cache: "no-store", referrerPolicy: "no-referrer" };
  const response = await auth.authenticatedFetch(path, options).catch((error) => {
    if (error instanceof Problem) throw error;
    throw new NetworkError({ code: "unreachable" });
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const retryAfter = Number(response.headers.get("retry-after")) || null;
  throw new Problem({ code: "", ...answer, status: response.status, retryAfter });
});

/**
 * Runs `work`, and repeats it while the server or the store does not answer.
 *
 * An unavailable store (503) says nothing about the session: the user stays logged in, and the
 * request is sent again after `Retry-After`. All these requests are safe to repeat.
 */
async function patiently(work) {
  const mine = turn;
  const giveUp = Date.now() + PATIENCE;
  const id = Symbol("waits");
  try {
    for (;;) {
      try {
        return await work();
      } catch (problem) {
        if (!away(problem)) throw problem;
        const unreachable = problem instanceof NetworkError;
        const seconds = Math.max(1, problem.retryAfter ?? (unreachable ? 2 : 1));
        if (Date.now() + seconds * 1000 > giveUp) throw problem;
        waits.set(id, { code: unreachable ? "unreachable" : problem.code, retryAfter: seconds });
        listeners.waiting(waits.get(id));
        await new Promise((resume) => setTimeout(resume, seconds * 1000));
        // A logout or another login happened meanwhile: this request belongs to the earlier login.
        if (mine !== turn) throw new Problem({ code: "superseded" });
      }
    }
  } finally {
    if (waits.delete(id)) listeners.waiting([...waits.values()].at(-1) ?? null);
  }
}

/**
 * Returns the path of a user. Returns null if no URL can hold the id: browsers resolve `.` and `..`
 * as folders.
 */
export function userPath(id) {
  if (id === "." || id === ".." || !id.isWellFormed()) return null;
  return `/api/session/user/${encodeURIComponent(id)}`;
}
