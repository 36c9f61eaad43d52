// Talks to the server. The access token is a variable of this module and is kept nowhere else.

let token = null;
let skew = 0;
const listeners = { ended() {}, waiting() {} };
const waits = new Map();

/** How long a store that is away is asked again before the page gives up and says so. */
const PATIENCE = 60_000;
/** Codes of a 401 that are about this one request, not about the session. */
const SESSION_GOES_ON = new Set(["invalid_credentials", "insufficient_user_authentication"]);

/** What the server refused, in the words of its contract. */
export class Problem extends Error {
  constructor(status, { code = "", detail = "", reason = "" } = {}, retryAfter = 0) {
    super(detail);
    Object.assign(this, { status, code, detail, reason, retryAfter });
  }
}

/** `ended(problem)`: the session is over. `waiting(problem or null)`: the store is away, or is back. */
export function listen(heard) {
  Object.assign(listeners, heard);
}

export const loggedIn = () => token !== null;

/** Now by the server's clock, in milliseconds: this machine's may be wrong, and ages are told by the server. */
export const now = () => Date.now() + skew;

export function forget() {
  token = null;
}

/** Logs in and keeps the token. A login is sent once: sent again it could make a second session. */
export async function login(name, password) {
  const who = name.includes("@") ? { email: name } : { user_id: name };
  const answer = await once("POST", "/api/auth/login", { ...who, password }, null);
  token = answer.access_token;
  return answer;
}

/**
 * Sends a request with the token, and answers with the parsed body.
 *
 * A store that cannot answer (503) says nothing about the session: the token stays, and the request
 * is sent again when `Retry-After` says so. All of these requests mean the same when sent twice.
 */
export async function call(method, path) {
  const mine = token;
  const giveUp = Date.now() + PATIENCE;
  const id = Symbol(path);
  try {
    for (;;) {
      try {
        const answer = await once(method, path, null, mine);
        // Logged out meanwhile: the answer is about somebody who has left.
        if (mine !== token) throw new Problem(0, { code: "stale" });
        return answer;
      } catch (problem) {
        const wait = Math.max(1, problem.retryAfter || 0) * 1000;
        if (problem.status !== 503 && problem.status !== 0) throw problem;
        if (mine !== token) throw new Problem(0, { code: "stale" });
        if (Date.now() + wait > giveUp) throw problem;
        waits.set(id, problem);
        listeners.waiting(problem);
        await new Promise((resume) => setTimeout(resume, wait));
        if (mine !== token) throw new Problem(0, { code: "stale" });
      }
    }
  } catch (problem) {
    // An answer to an earlier login's token says nothing about this one.
    const over = problem.status === 401 && !SESSION_GOES_ON.has(problem.code);
    if (over && mine !== null && mine === token) {
      token = null;
      listeners.ended(problem);
    }
    throw problem;
  } finally {
    if (waits.delete(id)) listeners.waiting([...waits.values()].at(-1) ?? null);
  }
}

async function once(method, path, body, bearer) {
  const headers = { accept: "application/json" };
  if (bearer !== null) headers.authorization = `Bearer ${bearer}`;
  if (body !== null) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === null ? undefined : JSON.stringify(body),
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Problem(0, { code: "unreachable" }, 2);
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  // `Date` counts whole seconds: less than two is no difference.
  if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Problem(response.status, answer, Number(response.headers.get("retry-after")) || 0);
}

/** The path of one user, or null when no URL can say it: a browser takes `.` and `..` for folders. */
export function userPath(id) {
  if (id === "." || id === ".." || !id.isWellFormed()) return null;
  return `/api/session/user/${encodeURIComponent(id)}`;
}
