// The login of this tab, in memory only, and its subscribers.

import { AuthError, SessionEndedError } from "./errors.js";
import { type Identity, type Reading, sameSession } from "./identity.js";

/** A login with its current access token. */
export interface Login extends Reading {
  readonly token: string;
  /** When the access token expires by this machine's clock, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** The value of `expires_in`, in milliseconds. */
  readonly lifetime: number;
  /** Set with body delivery only; otherwise the token is in a cookie that no script can read. */
  readonly refreshToken: string | null;
}

/**
 * What changed the login:
 * - `login`: a user logged in, in this tab or in another one;
 * - `restore`: a page that was just loaded took over the login of the browser;
 * - `logout`, `logout_all`: the user logged out;
 * - `ended`: the session was revoked or has expired; `error` says why;
 * - `replaced`: another user logged in in another tab of this browser.
 */
export type Cause = "login" | "restore" | "logout" | "logout_all" | "ended" | "replaced";

/** The event that subscribers receive. */
export interface AuthChange {
  /** Whether a user is logged in after the change. */
  readonly loggedIn: boolean;
  readonly cause: Cause;
  /** Whether the change happened in another tab. */
  readonly elsewhere: boolean;
  /** With `ended`: code and reason; otherwise null. */
  readonly error: SessionEndedError | null;
}

export type Listener = (change: AuthChange) => void;

/**
 * The number of ended sessions that are remembered, so that a late message of another tab cannot
 * restore one.
 */
const REMEMBERED = 32;

export class State {
  #login: Login | null = null;
  #epoch = 0;
  #over: Identity[] = [];
  readonly #listeners = new Set<Listener>();

  get login(): Login | null {
    return this.#login;
  }

  /**
   * A number that changes with each login and each end of a login. It shows that a response belongs
   * to an earlier login.
   */
  get epoch(): number {
    return this.#epoch;
  }

  /** Starts a login and notifies the subscribers. */
  begin(login: Login, cause: "login" | "restore", elsewhere: boolean): void {
    this.#login = login;
    this.#epoch += 1;
    this.#tell({ loggedIn: true, cause, elsewhere, error: null });
  }

  /** Replaces the token of the login. Subscribers receive nothing. */
  renew(login: Login): void {
    this.#login = login;
  }

  /** Ends the login and notifies the subscribers. `error` is the server's reason, if any. */
  end(cause: Exclude<Cause, "login" | "restore">, elsewhere: boolean, error: AuthError | null = null): void {
    const identity = this.#login?.identity;
    if (identity && cause !== "replaced") this.bury(identity);
    this.#login = null;
    this.#epoch += 1;
    const why = error instanceof SessionEndedError || error === null ? error : new SessionEndedError(error);
    this.#tell({ loggedIn: false, cause, elsewhere, error: why });
  }

  /** Remembers that this session is over. */
  bury(identity: Identity): void {
    this.#over = [identity, ...this.#over].slice(0, REMEMBERED);
  }

  isOver(identity: Identity | null): boolean {
    return identity !== null && this.#over.some((over) => sameSession(over, identity));
  }

  subscribe(listener: Listener): () => void {
    // A function that is subscribed twice has two subscriptions.
    const own: Listener = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #tell(change: AuthChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        // The other listeners must still be called. The error is reported like any uncaught one.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
