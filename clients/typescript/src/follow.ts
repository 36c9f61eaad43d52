// Applies the messages of other tabs to this tab's login. This tab never takes over a login that it
// knows has ended, and never continues as another user.

import { type Identity, sameSession, sameUser } from "./identity.js";
import type { Login, State } from "./state.js";
import type { Hearing, Out, Why } from "./tabs.js";
import type { SessionEndedError } from "./errors.js";

export class Follow implements Hearing {
  readonly #state: State;
  readonly #now: () => number;
  /** Whether this tab is restoring its login; it then takes over the login of another tab. */
  restoring = false;

  constructor(state: State, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  token(login: Login, why: Why): void {
    const mine = this.#state.login;
    if (this.#state.isOver(login.identity)) return;
    // This tab already has this token. A new `Login` object would look like another login to code
    // that compares objects.
    if (login.token === mine?.token) return;
    if (mine === null) {
      // A tab that is logged out ignores a refresh: the message is late, and its login has ended.
      if (this.restoring) this.#state.begin(login, "restore", true);
      else if (why === "login") this.#state.begin(login, "login", true);
    } else if (!sameUser(mine.identity, login.identity)) {
      // The browser has one refresh cookie, and it now belongs to the other user.
      if (why !== "answer") this.#state.end("replaced", true);
    } else if (why === "login" || (sameSession(mine.identity, login.identity) && !earlier(login, mine))) {
      this.#state.renew(login);
    }
  }

  out(how: Out, identity: Identity | null, error: SessionEndedError | null): void {
    const mine = this.#state.login?.identity ?? null;
    if (identity) this.#state.bury(identity);
    if (this.#state.login === null) return;
    const concerned = how === "logout_all" ? sameUser(mine, identity) : sameSession(mine, identity);
    if (concerned) this.#state.end(how, true, error);
  }

  asked(): Login | null {
    const login = this.#state.login;
    // A token that expires soon is of no use: the other tab would refresh it at once.
    return login && login.expiresAt - this.#now() > login.lifetime / 10 ? login : null;
  }
}

/**
 * Returns whether `a` expires before `b`. Compares times of the server's clock, because this
 * machine's clock may have been set back.
 */
function earlier(a: Login, b: Login): boolean {
  return a.expiry !== null && b.expiry !== null && a.expiry < b.expiry;
}
