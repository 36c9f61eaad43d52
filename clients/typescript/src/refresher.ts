// Refreshes: one at a time over all callers and all tabs, and none that outlives the login it was for.

import { ApiError, AuthError, NetworkError, NoRefreshError, SessionEndedError, SupersededError } from "./errors.js";
import { read, sameUser } from "./identity.js";
import type { Exclusive } from "./locks.js";
import type { RefreshAnswer } from "./models.js";
import type { Settings } from "./options.js";
import type { Login, State } from "./state.js";
import type { Tabs } from "./tabs.js";
import { type Wire, unreadable } from "./wire.js";

/** How long the tab that had the lock before may take to tell its token, in milliseconds. */
const HANDOVER = 250;
/** How long the lock is kept after the news were sent, so that whoever has not heard them yet finds it taken. */
const LINGER = 50;
/**
 * How long one refresh may take, and after which pause it is sent once more when no answer came, in
 * milliseconds. The server takes the same token again for 10 s, in case its answer was lost: both
 * together must be well within.
 */
const ATTEMPT = 4000;
const PAUSE = 250;

/** What the answer to a login or a refresh makes. */
export function loginFrom(answer: RefreshAnswer, asked: number): Login {
  if (typeof answer?.access_token !== "string" || !(answer.expires_in >= 0)) throw unreadable(200);
  const lifetime = answer.expires_in * 1000;
  return {
    token: answer.access_token,
    // Counted from before the request: rather too early than too late.
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
  /** The epoch in which the server said that there is nothing to refresh with. */
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
   * The next login after `stale`, which is what was at hand; null when nobody is logged in here and the
   * browser may still be. All who ask meanwhile get the same answer.
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
        // Nobody who asked for it waits for this.
        if (ours && this.#settings.channel) await pause(LINGER, stop.signal);
      };
      this.#exclusive.run(work).catch(reject);
    });
    this.#running = { epoch, stop, done };
    return done;
  }

  /** Gives up the refresh that is under way: its login is over. */
  stop(): void {
    this.#running?.stop.abort();
    this.#running = null;
  }

  /** One refresh, behind the lock; or, if it is not `ours`, what another tab has made of its own. */
  async #once(
    stale: Login | null,
    epoch: number,
    waited: boolean,
    signal: AbortSignal,
  ): Promise<{ login: Login; ours: boolean }> {
    // Whoever had the lock before may have done it for all, with the news still on their way; and who has just come may
    // find the others logged in.
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

  /** Whether what is at hand is another token than `stale`: the very one that was refused is no news. */
  #differs(stale: Login | null): boolean {
    return this.#state.login?.token !== stale?.token;
  }

  /** What the server said when it asked to be left alone for a while, as long as that while lasts. */
  #paused(): AuthError | null {
    if (this.#pause === null) return null;
    const left = this.#pause.until - this.#settings.now();
    // Another login is not concerned; and with more left than there was, the clock has been set back.
    if (this.#pause.epoch !== this.#state.epoch || left <= 0 || left > this.#pause.length) this.#pause = null;
    return this.#pause?.error ?? null;
  }

  /** The login that another tab has told meanwhile, if it did. Fails if that made this refresh pointless. */
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
    // Logged out meanwhile, or in again: this answer must not bring the old login back.
    if (this.#state.epoch !== epoch) throw new SupersededError();
    const next = loginFrom(answer, asked);
    this.#pause = null;
    if (stale === null) {
      this.#state.begin(next, "restore", false);
    } else if (sameUser(stale.identity, next.identity)) {
      this.#state.renew(next);
    } else {
      // Somebody else has logged in in another tab, and this one was not told.
      this.#state.end("replaced", true);
      throw new SupersededError();
    }
    this.#tabs.tellToken(next, "refresh");
    return next;
  }

  /** What a refresh that failed means for the login: a token that the server refuses ends it, and nothing else does. */
  #refused(error: unknown, stale: Login | null, epoch: number): unknown {
    if (!(error instanceof ApiError)) return error;
    if (this.#state.epoch !== epoch) return new SupersededError();
    if (error.status === 404 || (error.status === 401 && error.code === "missing_token")) {
      this.#none = epoch;
      return new NoRefreshError();
    }
    // Sent again it would be refused again: what the browser holds is good for nothing, and only a login helps.
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

/** Waits so many milliseconds, or until the signal fires. */
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
