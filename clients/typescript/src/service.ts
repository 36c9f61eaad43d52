// The public API: logs in and out, and sends requests as the logged-in user.

import {
  ApiError,
  AuthError,
  NetworkError,
  NoRefreshError,
  NotLoggedInError,
  BodyNotReplayableError,
  SessionEndedError,
  SupersededError,
} from "./errors.js";
import { Follow } from "./follow.js";
import { sameSession } from "./identity.js";
import { Exclusive } from "./locks.js";
import type { Account, Credentials, LoginAnswer, OwnSession } from "./models.js";
import { type AuthOptions, type Settings, settle } from "./options.js";
import { Refresher, loginFrom } from "./refresher.js";
import { type Input, type Prepared, prepare, unlessAborted } from "./request.js";
import { type Listener, type Login, State } from "./state.js";
import { Tabs } from "./tabs.js";
import { Wire, answerOf, problemOf } from "./wire.js";

/** Codes of a 401 after which another access token may be accepted. */
const ANOTHER_TOKEN = new Set(["token_expired", "invalid_token"]);
/** Codes of a 401 with which any route says that the session is over. */
const OVER = new Set(["session_revoked", "session_expired"]);

/**
 * The login of this page, shared by all tabs of its origin with the same `baseUrl`.
 *
 * Create one for the whole page. The access token is kept in memory only. With cookie delivery, no
 * script can read the refresh token.
 */
export class AuthService {
  readonly #settings: Settings;
  readonly #state = new State();
  readonly #wire: Wire;
  readonly #follow: Follow;
  readonly #tabs: Tabs;
  readonly #exclusive: Exclusive;
  readonly #refresher: Refresher;
  #restoring: Promise<boolean> | null = null;

  /**
   * Sends nothing. Call {@link restore} to take over a login that the browser may still have.
   * Throws a `TypeError` for options that cannot work.
   */
  constructor(options: AuthOptions = {}) {
    const settings = settle(options);
    const name = `tower-session-auth ${settings.prefix}`;
    this.#settings = settings;
    this.#wire = new Wire(settings);
    this.#follow = new Follow(this.#state, settings.now);
    this.#tabs = new Tabs(settings.channel?.(name) ?? null, this.#follow);
    this.#exclusive = new Exclusive(settings.locks, name, settings.timeout);
    this.#refresher = new Refresher(settings, this.#state, this.#wire, this.#tabs, this.#exclusive);
  }

  /**
   * Whether a user is logged in, as far as this page knows. The server may have revoked the
   * session; {@link subscribe} reports that when the page learns of it.
   */
  get loggedIn(): boolean {
    return this.#state.login !== null;
  }

  /**
   * The id of the logged-in user, read from the access token; null if no user is logged in or the
   * token cannot be read.
   */
  get userId(): string | null {
    return this.#state.login?.identity?.user ?? null;
  }

  /**
   * Calls `listener` at each login and each end of a login, in this tab or in another one. Returns
   * the function that unsubscribes it.
   */
  subscribe(listener: Listener): () => void {
    return this.#state.subscribe(listener);
  }

  /**
   * Logs in. The request is sent once only: a second one could create a second session.
   *
   * Rejects with an `ApiError` (`invalid_credentials`, `rate_limited` with `retryAfter`, …) or a
   * `NetworkError`. A user who was logged in before then stays logged in.
   */
  async login(credentials: Credentials): Promise<Account> {
    return this.#exclusive.run(async () => {
      const asked = this.#settings.now();
      const answer = (await this.#wire.send("POST", "/login", { json: credentials })) as LoginAnswer;
      this.#refresher.stop();
      const login = loginFrom(answer, asked);
      this.#state.begin(login, "login", false);
      this.#tabs.tellToken(login, "login");
      const { user_id, user_name, email, role } = answer;
      return { user_id, user_name, email, role };
    });
  }

  /**
   * Takes over the login that the browser has: from another tab, or by one refresh. Call it once,
   * when the page loads.
   *
   * Returns whether a user is now logged in. If the session is over, subscribers receive the
   * reason. Rejects with an `ApiError` or a `NetworkError` if the state is unknown (503, 429, no
   * network): call it again later.
   */
  restore(): Promise<boolean> {
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = null;
      this.#follow.restoring = false;
    });
    return this.#restoring;
  }

  async #restore(): Promise<boolean> {
    if (this.loggedIn) return true;
    this.#follow.restoring = true;
    try {
      await this.#refresher.refresh(null);
    } catch (error) {
      if (error instanceof SessionEndedError) {
        // Any other code means that the cookie was never valid: subscribers receive nothing.
        if (OVER.has(error.code)) this.#state.end("ended", false, error);
      } else if (!(error instanceof NoRefreshError || error instanceof SupersededError)) {
        throw error;
      }
    }
    return this.loggedIn;
  }

  /** Returns the logged-in user as the server knows it now: the role may have changed. */
  async getMe(): Promise<Account> {
    return (await this.#call("GET", "/me")) as Account;
  }

  /** Returns all live sessions of the logged-in user; `current` marks this one. */
  async sessions(): Promise<OwnSession[]> {
    return ((await this.#call("GET", "/sessions")) as { sessions: OwnSession[] }).sessions;
  }

  /**
   * Revokes one of the user's own sessions, on any device. Rejects with `not_found` (404) if there
   * is no session with this id.
   */
  async endSession(id: string): Promise<void> {
    const login = this.#state.login;
    await this.#call("DELETE", `/sessions/${encodeURIComponent(id)}`);
    if (login?.identity?.session === id) await this.#leave("logout", login);
  }

  /**
   * Logs out in all tabs. Also works with an expired access token.
   *
   * Rejects if the server cannot revoke the session (503, no network). The user then stays logged
   * in, because the page must not show a logout that did not happen.
   */
  async logout(): Promise<void> {
    const login = this.#state.login;
    this.#refresher.stop();
    await this.#exclusive.run(async () => {
      const token = login?.token ?? null;
      const refreshToken = login?.refreshToken;
      const json = refreshToken ? { json: { refresh_token: refreshToken } } : {};
      try {
        await this.#wire.send("POST", "/logout", { token, ...json });
      } catch (error) {
        // 401: the session was over already.
        if (!(error instanceof ApiError) || error.status !== 401) throw error;
      }
      this.#left("logout", login);
    });
  }

  /** Revokes all sessions of the logged-in user, on all devices. Returns their number. */
  async logoutAll(): Promise<number> {
    const login = this.#state.login;
    const { deleted_count: ended } = (await this.#call("POST", "/logout-all")) as { deleted_count: number };
    await this.#leave("logout_all", login);
    return ended;
  }

  /**
   * Sends a request like `fetch`, with the access token. It refreshes a token that expires soon
   * first. If the server answers `token_expired` or `invalid_token`, it refreshes the token and
   * sends the request once more.
   *
   * Returns the server's response, also an error response, unless that ends the login. Redirects
   * are errors unless `init.redirect` says otherwise. Rejects with
   * - `NotLoggedInError`: no user is logged in; nothing was sent;
   * - `ForeignOriginError`: the URL's origin is neither that of the auth routes nor one of
   *   `origins`; nothing was sent;
   * - `SessionEndedError`: the login has ended; `code` and `reason` say why;
   * - `SupersededError`: a logout or another login happened meanwhile; the response is discarded;
   * - `BodyNotReplayableError`: the body was a stream and would have to be sent again;
   * - `ApiError` (503, 429) or `NetworkError`: the token has expired and cannot be refreshed now;
   *   the login does not end;
   * - any error of `fetch`.
   */
  async authenticatedFetch(input: Input, init?: RequestInit): Promise<Response> {
    const request = prepare(this.#settings, input, init);
    // Waits for a running `restore` here, so that the page need not wait before each request.
    if (this.#restoring) await unlessAborted(request.signal, this.#restoring);
    const { epoch } = this.#state;
    const login = await unlessAborted(request.signal, this.#usable());
    const response = await this.#send(request, login, epoch);
    if (response.status !== 401) return response;
    const problem = await problemOf(response.clone());
    const ours = this.#state.login;
    const newer = ours !== null && ours.token !== login.token && !sameSession(ours.identity, login.identity);
    if (OVER.has(problem.code) && !newer) throw this.#ended(new SessionEndedError(problem), login, epoch);
    if (!OVER.has(problem.code) && !ANOTHER_TOKEN.has(problem.code)) return response;

    const next = await unlessAborted(request.signal, this.#after(login, new SessionEndedError(problem), epoch));
    if (!request.again) throw new BodyNotReplayableError();
    const second = await this.#send(request, next, epoch);
    if (second.status !== 401) return second;
    const again = await problemOf(second.clone());
    // The origin of the auth routes refuses the new token too, so another refresh cannot help.
    const refused = again.code === "invalid_token" && request.url.origin === this.#settings.base.origin;
    if (OVER.has(again.code) || refused) throw this.#ended(new SessionEndedError(again), next, epoch);
    return second;
  }

  /**
   * Stops receiving messages of other tabs and sending messages to them. Does not log out. Call it
   * if the page continues without this service.
   */
  close(): void {
    this.#refresher.stop();
    this.#tabs.close();
  }

  /** Returns the login. Refreshes it first, if possible, when its token expires soon. */
  async #usable(): Promise<Login> {
    const { login } = this.#state;
    if (login === null) throw new NotLoggedInError();
    const left = login.expiresAt - this.#settings.now();
    if (left > Math.min(this.#settings.refreshBefore, login.lifetime / 10)) return login;
    try {
      return this.#refresher.impossible ? login : await this.#refresher.refresh(login);
    } catch (error) {
      // If the login cannot be refreshed, the server decides about the old token. If the refresh
      // failed for a temporary reason, the token is used as long as it is valid.
      if (error instanceof NoRefreshError) return login;
      const forNow = error instanceof ApiError || error instanceof NetworkError;
      if (forNow && left > 0 && this.#state.login === login) return login;
      throw error;
    }
  }

  /**
   * Returns the login with a token that replaces the one that the server refused. If the login
   * cannot be refreshed, ends it with `refusal`.
   */
  async #after(login: Login, refusal: SessionEndedError, epoch: number): Promise<Login> {
    const now = this.#state.login;
    if (now !== null && now.token !== login.token) return now;
    try {
      return await this.#refresher.refresh(login);
    } catch (error) {
      throw error instanceof NoRefreshError ? this.#ended(refusal, login, epoch) : error;
    }
  }

  async #send(request: Prepared, login: Login, epoch: number): Promise<Response> {
    if (this.#state.epoch !== epoch) throw new SupersededError();
    const response = await request.send(login.token);
    if (this.#state.epoch === epoch) return response;
    throw new SupersededError();
  }

  /** Ends the login in all tabs, and returns the error to throw. */
  #ended(error: SessionEndedError, login: Login, epoch: number): AuthError {
    if (this.#state.epoch !== epoch) return new SupersededError();
    this.#tabs.tellOut("ended", login.identity, error);
    this.#state.end("ended", false, error);
    return error;
  }

  /** Ends the login in all tabs after a logout. */
  #left(how: "logout" | "logout_all", login: Login | null): void {
    this.#refresher.stop();
    if (login?.identity) this.#state.bury(login.identity);
    this.#tabs.tellOut(how, login?.identity ?? null, null);
    const now = this.#state.login;
    if (now !== null && login !== null && sameSession(now.identity, login.identity)) this.#state.end(how, false);
  }

  /**
   * Does the same as `#left` after another route than `/logout`. The browser then still has the
   * cookie of the ended session, and `/logout` clears it.
   */
  async #leave(how: "logout" | "logout_all", login: Login | null): Promise<void> {
    this.#left(how, login);
    if (this.#settings.delivery === "body") return;
    await this.#exclusive.run(async () => {
      // The cookie belongs to a new login, in this tab or in another one.
      if (this.loggedIn) return;
      // An error does not matter: the session is over, even if its cookie stays.
      await this.#wire.send("POST", "/logout", { token: login?.token ?? null }).catch(() => {});
    });
  }

  /** Calls an auth route that needs an access token. */
  async #call(method: string, path: string): Promise<unknown> {
    const init: RequestInit = { method, cache: "no-store", credentials: this.#settings.credentials };
    const headers = { accept: "application/json" };
    const signal = AbortSignal.timeout(this.#settings.timeout);
    const options: RequestInit = { ...init, headers, signal, referrerPolicy: "no-referrer" };
    let response;
    try {
      response = await this.authenticatedFetch(this.#settings.prefix + path, options);
    } catch (error) {
      if (error instanceof AuthError) throw error;
      const code = signal.aborted ? "timeout" : "unreachable";
      throw new NetworkError({ code, detail: "the server did not answer" }, { cause: error });
    }
    if (!response.ok) throw new ApiError(await problemOf(response));
    return answerOf(response);
  }
}
