// What the news of another tab change here. No tab takes over a login that this one knows to be over, and none
// goes on under another user's name.

import { type Identity, sameSession, sameUser } from "./identity.js";
import type { Login, State } from "./state.js";
import type { Hearing, Out, Why } from "./tabs.js";
import type { SessionEndedError } from "./errors.js";

export class Follow implements Hearing {
  readonly #state: State;
  readonly #now: () => number;
  /** Whether this tab is looking for its login, and takes it from whoever has it. */
  restoring = false;

  constructor(state: State, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  token(login: Login, why: Why): void {
    const mine = this.#state.login;
    if (this.#state.isOver(login.identity)) return;
    // What is at hand already is no news, and no other login to whoever compares.
    if (login.token === mine?.token) return;
    if (mine === null) {
      // A refresh told to a tab that is logged out is late news of a login that has ended.
      if (this.restoring) this.#state.begin(login, "restore", true);
      else if (why === "login") this.#state.begin(login, "login", true);
    } else if (!sameUser(mine.identity, login.identity)) {
      // The browser has one refresh cookie, and it is the other user's now.
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
    // One about to run out would be refreshed at once anyway.
    return login && login.expiresAt - this.#now() > login.lifetime / 10 ? login : null;
  }
}

/** Whether `a` runs out before `b`, by the server's clock: this machine's may have been set back meanwhile. */
function earlier(a: Login, b: Login): boolean {
  return a.expiry !== null && b.expiry !== null && a.expiry < b.expiry;
}
