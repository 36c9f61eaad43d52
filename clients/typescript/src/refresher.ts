// Refreshes the login: one refresh at a time for all callers and all tabs. The result of a refresh
// is discarded if its login ends meanwhile.

import { ApiError, AuthError, NetworkError, NoRefreshError, SessionEndedError, SupersededError } from "./errors.js";
import { read, sameUser } from "./identity.js";
import type { Exclusive } from "./locks.js";
import type { RefreshAnswer } from "./models.js";
import type { Settings } from "./options.js";
import type { Login, State } from "./state.js";
import type { Tabs } from "./tabs.js";
import { type Wire, unreadable } from "./wire.js";

/** How long to wait for the token of the tab that held the lock before, in milliseconds. */
const HANDOVER = 250;
/**
 * How long the lock is kept after the new token was sent to the other tabs, in milliseconds. A tab
 * that has not received it yet then finds the lock taken.
 */
const LINGER = 50;
/**
 * The time limit of one refresh request, and the pause before it is sent once more if there was no
 * response, in milliseconds. The server accepts the same token again for 10 s, in case its response
 * was lost, so both attempts must end well within that time.
 */
const ATTEMPT = 4000;
const PAUSE = 250;

/** Creates a login from the response to a login or a refresh that was sent at `asked`. */
export function loginFrom(answer: RefreshAnswer, asked: number): Login {
  if (typeof answer?.access_token !== "string" || !(answer.expires_in >= 0)) throw unreadable(200);
  const lifetime = answer.expires_in * 1000;
  return {
    token: answer.access_token,
    // Counted from the start of the request, so that it may be too early but never too late.
    expiresAt: asked + lifetime,
    lifetime,
    ...read(answer.access_token),
    refreshToken: answer.refresh_token ?? null,
  };
}

export class Refresher {
  readonly #settings: Settings;
  readonly #state: State;
  readonly #wire: Wire;
  readonly #tabs: Tabs;
  readonly #exclusive: Exclusive;
  #running: { readonly epoch: number; readonly stop: AbortController; readonly done: Promise<Login> } | null = null;
  #pause: { readonly epoch: number; readonly until: number; readonly length: number; readonly error: AuthError } | null = null;
  /** The epoch of the login that, as the server said, cannot be refreshed. */
  #none = -1;

  constructor(settings: Settings, state: State, wire: Wire, tabs: Tabs, exclusive: Exclusive) {
    this.#settings = settings;
    this.#state = state;
    this.#wire = wire;
    this.#tabs = tabs;
    this.#exclusive = exclusive;
  }

  /** Whether the server has said that this login cannot be refreshed. */
  get impossible(): boolean {
    return this.#none === this.#state.epoch;
  }

  /**
   * Returns the login that replaces `stale`, the caller's current one. `stale` is null if this tab
   * has no login but the browser may have one. Concurrent callers share one refresh.
   */
  refresh(stale: Login | null): Promise<Login> {
    const { epoch } = this.#state;
    if (this.#running?.epoch === epoch) return this.#running.done;
    this.stop();
    const stop = new AbortController();
    const over = (): void => {
      if (this.#running?.stop === stop) this.#running = null;
    };
    const done = new Promise<Login>((resolve, reject) => {
      const work = async (waited: boolean): Promise<void> => {
        const { login, ours } = await this.#once(stale, epoch, waited, stop.signal).finally(over);
        resolve(login);
        // The callers have their result already and do not wait for this pause.
        if (ours && this.#settings.channel) await pause(LINGER, stop.signal);
      };
      this.#exclusive.run(work).catch(reject);
    });
    this.#running = { epoch, stop, done };
    return done;
  }

  /** Cancels the refresh in progress, because its login is over. */
  stop(): void {
    this.#running?.stop.abort();
    this.#running = null;
  }

  /** Refreshes once, under the lock. `ours` is false if the login comes from another tab. */
  async #once(
    stale: Login | null,
    epoch: number,
    waited: boolean,
    signal: AbortSignal,
  ): Promise<{ login: Login; ours: boolean }> {
    // The tab that held the lock before may have refreshed for all tabs, and its message may still
    // be on the way. A tab without a login asks, because another tab may be logged in.
    const patience = waited ? HANDOVER : stale === null ? this.#settings.askTabs : 0;
    if (this.#news(stale, epoch) === null) await this.#tabs.ask(patience, () => this.#differs(stale));
    const news = this.#news(stale, epoch);
    if (news) return { login: news, ours: false };
    if (signal.aborted) throw new SupersededError();
    if (this.impossible) throw new NoRefreshError();
    const paused = this.#paused();
    if (paused) throw paused;
    try {
      return { login: await this.#ask(stale, epoch, signal), ours: true };
    } catch (error) {
      throw this.#refused(error, stale, epoch);
    }
  }

  /** Returns whether the current token differs from that of `stale`. */
  #differs(stale: Login | null): boolean {
    return this.#state.login?.token !== stale?.token;
  }

  /** Returns the error with which the server asked for a pause, while that pause lasts. */
  #paused(): AuthError | null {
    if (this.#pause === null) return null;
    const left = this.#pause.until - this.#settings.now();
    // The pause is for one login only. If more time is left than its length, the clock was set
    // back.
    if (this.#pause.epoch !== this.#state.epoch || left <= 0 || left > this.#pause.length) this.#pause = null;
    return this.#pause?.error ?? null;
  }

  /**
   * Returns the login that another tab has sent meanwhile, or null. Throws a `SupersededError` if
   * the login changed so that this refresh is pointless.
   */
  #news(stale: Login | null, epoch: number): Login | null {
    const { login } = this.#state;
    if (this.#state.epoch !== epoch) {
      if (stale === null && login !== null) return login;
      throw new SupersededError();
    }
    return login !== null && this.#differs(stale) ? login : null;
  }

  async #ask(stale: Login | null, epoch: number, signal: AbortSignal): Promise<Login> {
    const asked = this.#settings.now();
    const body = this.#settings.delivery === "body";
    if (body && !stale?.refreshToken) throw new NoRefreshError();
    const json = body ? { json: { refresh_token: stale?.refreshToken } } : {};
    const timeout = Math.min(this.#settings.timeout, ATTEMPT);
    const send = (): Promise<unknown> => this.#wire.send("POST", "/refresh", { ...json, timeout, signal });
    const answer = (await send().catch(async (error: unknown) => {
      if (!(error instanceof NetworkError)) throw error;
      await pause(PAUSE, signal);
      return send();
    })) as RefreshAnswer;
    // A logout or another login happened meanwhile: this response must not restore the old login.
    if (this.#state.epoch !== epoch) throw new SupersededError();
    const next = loginFrom(answer, asked);
    this.#pause = null;
    if (stale === null) {
      this.#state.begin(next, "restore", false);
    } else if (sameUser(stale.identity, next.identity)) {
      this.#state.renew(next);
    } else {
      // Another user has logged in in another tab, and this tab received no message about it.
      this.#state.end("replaced", true);
      throw new SupersededError();
    }
    this.#tabs.tellToken(next, "refresh");
    return next;
  }

  /** Returns the error for a failed refresh. Only a refused refresh token ends the login. */
  #refused(error: unknown, stale: Login | null, epoch: number): unknown {
    if (!(error instanceof ApiError)) return error;
    if (this.#state.epoch !== epoch) return new SupersededError();
    if (error.status === 404 || (error.status === 401 && error.code === "missing_token")) {
      this.#none = epoch;
      return new NoRefreshError();
    }
    // The server would refuse this refresh token again, so only a new login helps.
    if (error.status === 401 || (error.status === 400 && error.code === "invalid_request")) {
      const over = new SessionEndedError(error);
      if (stale) this.#tabs.tellOut("ended", stale.identity, over);
      if (stale) this.#state.end("ended", false, over);
      return over;
    }
    if (error.retryAfter) {
      const length = error.retryAfter * 1000;
      this.#pause = { epoch, until: this.#settings.now() + length, length, error };
    }
    return error;
  }
}

/** Waits for this time, or until the signal fires. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resume) => {
    const timer = setTimeout(resume, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resume();
    });
    if (signal.aborted) resume();
  });
}
