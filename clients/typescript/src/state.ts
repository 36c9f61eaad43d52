// Who is logged in, in memory only, and who wants to know.

import { AuthError, SessionEndedError } from "./errors.js";
import { type Identity, type Reading, sameSession } from "./identity.js";

/** A login, with the one token that is current. */
export interface Login extends Reading {
  readonly token: string;
  /** By this machine's clock, in milliseconds. */
  readonly expiresAt: number;
  /** What `expires_in` said, in milliseconds. */
  readonly lifetime: number;
  /** With body delivery only; else the browser keeps it where no script sees it. */
  readonly refreshToken: string | null;
}

/**
 * What happened:
 * - `login`: somebody logged in, with the form or in another tab;
 * - `restore`: a page just loaded has its login back;
 * - `logout`, `logout_all`: somebody logged out on purpose;
 * - `ended`: the server ended the session, or it ran out: `error` says why;
 * - `replaced`: another user has logged in in this browser, in another tab.
 */
export type Cause = "login" | "restore" | "logout" | "logout_all" | "ended" | "replaced";

/** What subscribers are told. */
export interface AuthChange {
  /** How it is now. */
  readonly loggedIn: boolean;
  readonly cause: Cause;
  /** It happened in another tab. */
  readonly elsewhere: boolean;
  /** With `ended`: code and reason; else null. */
  readonly error: SessionEndedError | null;
}

export type Listener = (change: AuthChange) => void;

/** So many ended sessions are remembered, so that no late message of another tab brings one back. */
const REMEMBERED = 32;

export class State {
  #login: Login | null = null;
  #epoch = 0;
  #over: Identity[] = [];
  readonly #listeners = new Set<Listener>();

  get login(): Login | null {
    return this.#login;
  }

  /** Another number after each login and each logout: an answer to an older question is recognised by it. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Another login than before. */
  begin(login: Login, cause: "login" | "restore", elsewhere: boolean): void {
    this.#login = login;
    this.#epoch += 1;
    this.#tell({ loggedIn: true, cause, elsewhere, error: null });
  }

  /** The same login with its next token. */
  renew(login: Login): void {
    this.#login = login;
  }

  /** Nobody is logged in any more; `error` is why, where the server said so. */
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
    // One function subscribed twice is two subscriptions.
    const own: Listener = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #tell(change: AuthChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        // One that fails must not keep the news from the others; it is reported as any uncaught error.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
