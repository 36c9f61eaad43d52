// Talks to the server, as whoever is logged in: the client keeps the login, over all tabs, and the page never sees a token.

import { AuthError as Problem, AuthService, NetworkError } from "./client.js";

export { Problem };

let skew = 0;
let turn = 0;
const listeners = { changed() {}, waiting() {} };
const waits = new Map();

/** How long a store that is away is asked again before the page gives up and says so. */
const PATIENCE = 60_000;
/** Codes of what has come too late: whoever it was for has left. */
const STALE = new Set(["superseded", "not_logged_in"]);

const auth = new AuthService({
  baseUrl: "/api/auth",
  async fetch(...request) {
    const response = await fetch(...request);
    const date = Date.parse(response.headers.get("date") ?? "");
    // `Date` counts whole seconds: less than two is no difference.
    if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
    return response;
  },
});
auth.subscribe((change) => {
  turn += 1;
  listeners.changed(change);
});

/** `changed(change)`: who is logged in, here or in another tab. `waiting(problem or null)`: the store is away, or is back. */
export function listen(heard) {
  Object.assign(listeners, heard);
}

export const loggedIn = () => auth.loggedIn;

/** Whether this problem is nothing to tell: the page has gone on to something else. */
export const stale = (problem) => STALE.has(problem.code);

/** Now by the server's clock, in milliseconds: this machine's may be wrong, and ages are told by the server. */
export const now = () => Date.now() + skew;

/** Logs in. A login is sent once: sent again it could make a second session. */
export const login = (name, password) =>
  auth.login({ ...(name.includes("@") ? { email: name } : { user_id: name }), password });

/** Whether the browser is still logged in, after the page has been loaded anew. */
export const restore = () => patiently(() => auth.restore());
export const logout = () => patiently(() => auth.logout());
export const logoutAll = () => patiently(() => auth.logoutAll());
export const whoAmI = () => patiently(() => auth.getMe());
export const ownSessions = () => patiently(() => auth.sessions());
export const endSession = (id) => patiently(() => auth.endSession(id));

/** Sends a request to any other route, and answers with the parsed body. */
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
 * Does this, and again while nobody can answer.
 *
 * A store that is away (503) says nothing about the session: the login stays, and the request is sent
 * again when `Retry-After` says so. All of these requests mean the same when sent twice.
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
        const unreachable = problem instanceof NetworkError;
        if (!unreachable && problem.status !== 503) throw problem;
        const seconds = Math.max(1, problem.retryAfter ?? (unreachable ? 2 : 1));
        if (Date.now() + seconds * 1000 > giveUp) throw problem;
        waits.set(id, { code: unreachable ? "unreachable" : problem.code, retryAfter: seconds });
        listeners.waiting(waits.get(id));
        await new Promise((resume) => setTimeout(resume, seconds * 1000));
        // Logged out meanwhile, or in as somebody else: it was not they who asked.
        if (mine !== turn) throw new Problem({ code: "superseded" });
      }
    }
  } finally {
    if (waits.delete(id)) listeners.waiting([...waits.values()].at(-1) ?? null);
  }
}

/** The path of one user, or null when no URL can say it: a browser takes `.` and `..` for folders. */
export function userPath(id) {
  if (id === "." || id === ".." || !id.isWellFormed()) return null;
  return `/api/session/user/${encodeURIComponent(id)}`;
}
