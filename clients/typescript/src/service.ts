// What an application uses: it logs in and out, and makes requests as whoever is logged in.

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

/** Codes of a 401 that another access token can mend. */
const ANOTHER_TOKEN = new Set(["token_expired", "invalid_token"]);
/** Codes of a 401 by which any route says that the session is over. */
const OVER = new Set(["session_revoked", "session_expired"]);

/**
 * The login of this page, and of all tabs of its origin with the same `baseUrl`.
 *
 * Make one for the whole page. The access token is in its memory and nowhere else; with cookie
 * delivery no script sees the refresh token at all.
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

  /** Sends nothing yet: call {@link restore} for the login that the browser may still have. Throws a `TypeError` for options that cannot work. */
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

  /** Whether somebody is logged in, as far as this page knows. The server may know better: see {@link subscribe}. */
  get loggedIn(): boolean {
    return this.#state.login !== null;
  }

  /** The id of whoever is logged in, read from the access token; null when nobody is, or it cannot be read. */
  get userId(): string | null {
    return this.#state.login?.identity?.user ?? null;
  }

  /** Tells `listener` of each login and each end of one, in this tab or in another; answers with what unsubscribes it. */
  subscribe(listener: Listener): () => void {
    return this.#state.subscribe(listener);
  }

  /**
   * Logs in. It is sent once: sent again it could open a second session.
   *
   * Fails with an `ApiError` (`invalid_credentials`, `rate_limited` with `retryAfter`, …) or a
   * `NetworkError`; who was logged in before then still is.
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
   * Takes up the login that the browser has: from another tab, or by one refresh. Call it once, when the page loads.
   *
   * Answers whether somebody is logged in now. When the session was ended meanwhile, subscribers are
   * told why. Fails with an `ApiError` or a `NetworkError` when nobody can tell (503, 429, no
   * network): ask again later.
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
        // A cookie that was never any good is no news.
        if (OVER.has(error.code)) this.#state.end("ended", false, error);
      } else if (!(error instanceof NoRefreshError || error instanceof SupersededError)) {
        throw error;
      }
    }
    return this.loggedIn;
  }

  /** Who is logged in, as the server knows now: the role may have changed since the login. */
  async getMe(): Promise<Account> {
    return (await this.#call("GET", "/me")) as Account;
  }

  /** All live sessions of whoever is logged in; `current` marks this one. */
  async sessions(): Promise<OwnSession[]> {
    return ((await this.#call("GET", "/sessions")) as { sessions: OwnSession[] }).sessions;
  }

  /** Ends one of the own sessions, on whichever device; fails with `not_found` (404) when there is none of that id. */
  async endSession(id: string): Promise<void> {
    const login = this.#state.login;
    await this.#call("DELETE", `/sessions/${encodeURIComponent(id)}`);
    if (login?.identity?.session === id) await this.#leave("logout", login);
  }

  /**
   * Logs out, in all tabs. Also works with an access token that has run out.
   *
   * When the server cannot end the session (503, no network) this fails, and the login goes on: it
   * would be wrong to show somebody as logged out who is not.
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
        // It was over already.
        if (!(error instanceof ApiError) || error.status !== 401) throw error;
      }
      this.#left("logout", login);
    });
  }

  /** Ends all sessions of whoever is logged in, on all devices; answers how many. */
  async logoutAll(): Promise<number> {
    const login = this.#state.login;
    const { deleted_count: ended } = (await this.#call("POST", "/logout-all")) as { deleted_count: number };
    await this.#leave("logout_all", login);
    return ended;
  }

  /**
   * `fetch` as whoever is logged in: the access token goes along, and is refreshed when it is about to
   * run out, or when the server says `token_expired`; the request is then sent once more.
   *
   * Answers with whatever the server does, refusals as well, except for those that end the login.
   * Redirects are errors unless `init.redirect` says otherwise. Fails with
   * - `NotLoggedInError`: nobody is; nothing was sent;
   * - `ForeignOriginError`: the address is neither of the auth routes' origin nor one of `origins`; nothing was sent;
   * - `SessionEndedError`: the login is over, `code` and `reason` say why;
   * - `SupersededError`: somebody logged out or in meanwhile, and the answer is not for them;
   * - `BodyNotReplayableError`: the body was a stream, and would have to be sent again;
   * - `ApiError` (503, 429) or `NetworkError`: the token ran out and cannot be refreshed at the moment;
   *   the login goes on;
   * - and whatever `fetch` fails with.
   */
  async authenticatedFetch(input: Input, init?: RequestInit): Promise<Response> {
    const request = prepare(this.#settings, input, init);
    // A page that is still finding out who is logged in need not wait for it everywhere.
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
    // A token just made that the auth routes' own server does not take: there is nothing left to try.
    const refused = again.code === "invalid_token" && request.url.origin === this.#settings.base.origin;
    if (OVER.has(again.code) || refused) throw this.#ended(new SessionEndedError(again), next, epoch);
    return second;
  }

  /** No longer listens to other tabs, nor tells them anything; logs nobody out. For a page that outlives its service. */
  close(): void {
    this.#refresher.stop();
    this.#tabs.close();
  }

  /** The login, with a token that is good for a while if one can be had. */
  async #usable(): Promise<Login> {
    const { login } = this.#state;
    if (login === null) throw new NotLoggedInError();
    const left = login.expiresAt - this.#settings.now();
    if (left > Math.min(this.#settings.refreshBefore, login.lifetime / 10)) return login;
    try {
      return this.#refresher.impossible ? login : await this.#refresher.refresh(login);
    } catch (error) {
      // Without a refresh the server says what becomes of it; with one that fails for now, what is left is used up.
      if (error instanceof NoRefreshError) return login;
      const forNow = error instanceof ApiError || error instanceof NetworkError;
      if (forNow && left > 0 && this.#state.login === login) return login;
      throw error;
    }
  }

  /** The token after one that the server has refused; `refusal` ends the login where there is none. */
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

  /** Ends the login in all tabs; the error to throw. */
  #ended(error: SessionEndedError, login: Login, epoch: number): AuthError {
    if (this.#state.epoch !== epoch) return new SupersededError();
    this.#tabs.tellOut("ended", login.identity, error);
    this.#state.end("ended", false, error);
    return error;
  }

  /** Somebody has left on purpose. */
  #left(how: "logout" | "logout_all", login: Login | null): void {
    this.#refresher.stop();
    if (login?.identity) this.#state.bury(login.identity);
    this.#tabs.tellOut(how, login?.identity ?? null, null);
    const now = this.#state.login;
    if (now !== null && login !== null && sameSession(now.identity, login.identity)) this.#state.end(how, false);
  }

  /** The same, after another route than `/logout`: the browser still has the cookie of a session that is over. */
  async #leave(how: "logout" | "logout_all", login: Login | null): Promise<void> {
    this.#left(how, login);
    if (this.#settings.delivery === "body") return;
    await this.#exclusive.run(async () => {
      // Another tab's next login has a cookie of its own.
      if (this.loggedIn) return;
      // Only tidiness: the session is over, whether the cookie goes or not.
      await this.#wire.send("POST", "/logout", { token: login?.token ?? null }).catch(() => {});
    });
  }

  /** An auth route that needs a token. */
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
