// The messages between the tabs of one browser. They stay in memory and within one origin: a script
// that can listen here could also request a refresh. A refresh token is never sent.

import { AuthError, type Problem, SessionEndedError } from "./errors.js";
import { type Identity, read } from "./identity.js";
import type { Channel } from "./options.js";
import type { Login } from "./state.js";

/** Why a tab sends its token: it has logged in, it has refreshed, or another tab asked. */
export type Why = "login" | "refresh" | "answer";
/** How a login ended in all tabs. */
export type Out = "logout" | "logout_all" | "ended";

/** Handles the messages of other tabs. */
export interface Hearing {
  token(login: Login, why: Why): void;
  out(how: Out, identity: Identity | null, error: SessionEndedError | null): void;
  /** Returns the login to send to a tab that asks; null to send nothing. */
  asked(): Login | null;
}

type Message =
  | { v: 1; type: "ask" }
  | { v: 1; type: "token"; why: Why; token: string; expiresAt: number; lifetime: number }
  | { v: 1; type: "out"; how: Out; identity: Identity | null; problem: Problem | null };

export class Tabs {
  readonly #channel: Channel | null;
  readonly #hearing: Hearing;
  readonly #waiting = new Set<(closed: boolean) => void>();

  constructor(channel: Channel | null, hearing: Hearing) {
    this.#channel = channel;
    this.#hearing = hearing;
    if (channel) channel.onmessage = (event): void => this.#hear(event.data);
  }

  tellToken(login: Login, why: Why): void {
    const { token, expiresAt, lifetime } = login;
    this.#post({ v: 1, type: "token", why, token, expiresAt, lifetime });
  }

  tellOut(how: Out, identity: Identity | null, error: AuthError | null): void {
    const problem = error && {
      status: error.status,
      code: error.code,
      detail: error.detail,
      reason: error.reason,
      retryAfter: error.retryAfter,
    };
    this.#post({ v: 1, type: "out", how, identity, problem });
  }

  /**
   * Asks the other tabs for their token. Waits until `enough` returns true, but at most `patience`
   * milliseconds.
   */
  async ask(patience: number, enough: () => boolean): Promise<void> {
    if (this.#channel === null || patience <= 0) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(heard);
        resolve();
      };
      const timer = setTimeout(done, patience);
      const heard = (closed: boolean): void => {
        if (closed || enough()) done();
      };
      this.#waiting.add(heard);
      this.#post({ v: 1, type: "ask" });
    });
  }

  close(): void {
    for (const heard of [...this.#waiting]) heard(true);
    this.#channel?.close();
  }

  #post(message: Message): void {
    try {
      this.#channel?.postMessage(message);
    } catch {
      // The channel is closed, or forbidden here: each tab then works alone.
    }
  }

  #hear(data: unknown): void {
    const message = data as Partial<Message> | null;
    // Another tab may run another version of this package.
    if (typeof message !== "object" || message?.v !== 1) return;
    if (message.type === "ask") {
      const login = this.#hearing.asked();
      if (login) this.tellToken(login, "answer");
    } else if (message.type === "out") {
      const { how, identity, problem } = message;
      if (how) this.#hearing.out(how, identity ?? null, problem ? new SessionEndedError(problem) : null);
    } else if (message.type === "token") {
      const { token, expiresAt, lifetime, why } = message;
      if (!token || !expiresAt || !lifetime || !why) return;
      this.#hearing.token({ token, expiresAt, lifetime, ...read(token), refreshToken: null }, why);
      for (const heard of [...this.#waiting]) heard(false);
    }
  }
}
