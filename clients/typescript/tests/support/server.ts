// A fake server in memory: the part of the HTTP API that the client needs. A test can hold back its
// responses.

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly token: string | null;
  readonly body: string;
  readonly type: string | null;
  readonly init: RequestInit;
}

type Answer = { status: number; body: unknown; headers?: Record<string, string> };
interface Session {
  user: string;
  n: number;
  ended: string | null;
  expired: boolean;
}

const encode = (value: unknown): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** Returns a token in the server's format, without a valid signature. */
export const tokenOf = (user: string, session: string, n = 0, exp = 0): string =>
  `${encode({ alg: "HS256" })}.${encode({ sub: user, sid: session, n, exp })}.c2ln`;

/** The server's behavior, with one cookie jar for all tabs of the browser. */
export class FakeServer {
  readonly seen: Seen[] = [];
  readonly sessions = new Map<string, Session>();
  /** The refresh cookie, which is a session id here; null if there is none. */
  cookie: string | null = null;
  lifetime = 100;
  now = (): number => Date.now();
  refreshMounted = true;
  bodyDelivery = false;
  /** Responses that replace the server's, each used once, by `METHOD path`. */
  readonly next = new Map<string, (() => Answer | Promise<Answer> | Error)[]>();
  /** Responses that wait until the test releases them, by `METHOD path`. */
  readonly gates = new Map<string, Promise<void>>();
  #made = 0;
  readonly #expiry = new Map<string, number>();

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const request = new Request(input, { ...init, ...(isStream(init.body) ? { duplex: "half" } : {}) } as RequestInit);
    const url = new URL(request.url);
    const bearer = request.headers.get("authorization");
    const token = bearer?.replace(/^Bearer /, "") ?? null;
    const body = await request.text();
    const type = request.headers.get("content-type");
    const seen: Seen = { method: request.method, path: url.pathname, url: url.href, token, body, type, init };
    this.seen.push(seen);
    const key = `${seen.method} ${seen.path}`;
    const answer = await (this.next.get(key)?.shift()?.() ?? this.#answer(key, seen));
    await this.gates.get(key);
    if (answer instanceof Error) throw answer;
    const headers = { "content-type": "application/json", ...answer.headers };
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers });
  };

  count(path: string): number {
    return this.seen.filter((seen) => seen.path === path).length;
  }

  /** Sets the response to the next request of this key. */
  once(key: string, answer: Answer | Error): void {
    this.next.set(key, [...(this.next.get(key) ?? []), () => answer]);
  }

  /** Holds back the responses to this key. Call the returned function to release them. */
  hold(key: string): () => void {
    let open = (): void => {};
    this.gates.set(key, new Promise((resolve) => (open = resolve)));
    return () => {
      this.gates.delete(key);
      open();
    };
  }

  /** Lets all access tokens so far expire. */
  expireTokens(): void {
    for (const token of this.#expiry.keys()) this.#expiry.set(token, 0);
  }

  /** Makes all access tokens so far invalid, as after a change of the server's key. */
  forgetTokens(): void {
    this.#expiry.clear();
  }

  open(user: string): { session: string; token: string } {
    const session = `s${(this.#made += 1)}-${user}`;
    this.sessions.set(session, { user, n: 0, ended: null, expired: false });
    return { session, token: this.#issue(session) };
  }

  #issue(session: string): string {
    const held = this.sessions.get(session);
    if (!held) throw new Error("no such session");
    held.n += 1;
    const token = tokenOf(held.user, session, held.n, Math.floor(this.now() / 1000) + this.lifetime);
    this.#expiry.set(token, this.now() + this.lifetime * 1000);
    return token;
  }

  #check(session: string | null, missing: string): Answer | Session {
    const held = session === null ? undefined : this.sessions.get(session);
    if (session === null) return refusal(401, missing);
    if (!held) return refusal(401, "invalid_token");
    if (held.ended) return refusal(401, "session_revoked", { reason: held.ended });
    return held.expired ? refusal(401, "session_expired") : held;
  }

  #bearer({ token }: Seen): Answer | Session {
    if (token === null) return refusal(401, "missing_token");
    const until = this.#expiry.get(token);
    if (until === undefined) return refusal(401, "invalid_token");
    const found = this.#check(sessionOf(token), "missing_token");
    if (!("status" in found) && until <= this.now()) return refusal(401, "token_expired");
    return found;
  }

  #answer(key: string, seen: Seen): Answer {
    if (key === "POST /api/auth/login") return this.#login(JSON.parse(seen.body) as Record<string, string>);
    if (key === "POST /api/auth/refresh") return this.#refresh(seen);
    if (key === "POST /api/auth/logout") return this.#logout(seen);
    const session = this.#bearer(seen);
    if ("status" in session) return session;
    const id = sessionOf(seen.token ?? "");
    if (key === "GET /api/auth/me") return ok({ user_id: session.user, user_name: null, email: null, role: "user" });
    if (key === "GET /api/auth/sessions") return ok({ sessions: [{ session_id: id, current: true }], total: 1 });
    if (key === "POST /api/auth/logout-all") {
      const mine = [...this.sessions.values()].filter((one) => one.user === session.user && !one.ended);
      for (const one of mine) one.ended = "logout_all";
      return ok({ message: "", deleted_count: mine.length });
    }
    if (key.startsWith("DELETE /api/auth/sessions/")) {
      const found = this.sessions.get(decodeURIComponent(seen.path.split("/").at(-1) ?? ""));
      if (found?.user !== session.user) return refusal(404, "not_found");
      found.ended = "logout";
      return ok({ message: "Session ended" });
    }
    return ok({ hello: session.user, body: seen.body });
  }

  #login({ user_id: user, password }: Record<string, string>): Answer {
    if (password !== "right" || !user) return refusal(401, "invalid_credentials");
    const { session, token } = this.open(user);
    if (this.refreshMounted && !this.bodyDelivery) this.cookie = session;
    return ok({ ...this.#tokens(session, token), user_id: user, user_name: null, email: null, role: "user" });
  }

  #refresh({ body }: Seen): Answer {
    if (!this.refreshMounted) return refusal(404, "not_found");
    const shown = this.bodyDelivery ? ((JSON.parse(body || "{}") as { refresh_token?: string }).refresh_token ?? null) : this.cookie;
    const session = this.#check(shown, "missing_token");
    if ("status" in session) return session;
    return ok(this.#tokens(shown ?? "", this.#issue(shown ?? "")));
  }

  #tokens(session: string, token: string): object {
    const body = { access_token: token, token_type: "bearer", expires_in: this.lifetime };
    return this.bodyDelivery ? { ...body, refresh_token: session } : body;
  }

  #logout({ token, body }: Seen): Answer {
    const given = body === "" ? undefined : (JSON.parse(body) as { refresh_token?: string }).refresh_token;
    const shown = [token && sessionOf(token), this.cookie, given].filter((one) => typeof one === "string");
    this.cookie = null;
    if (shown.length === 0) return refusal(401, "missing_token");
    for (const id of shown) {
      const session = this.sessions.get(id);
      if (session) session.ended ??= "logout";
    }
    return ok({ message: "Successfully logged out" });
  }
}

const isStream = (body: unknown): boolean => body instanceof ReadableStream;
const sessionOf = (token: string): string =>
  (JSON.parse(new TextDecoder().decode(Uint8Array.from(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)))) as { sid: string }).sid;
export const ok = (body: unknown): Answer => ({ status: 200, body });
export const refusal = (status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Answer => ({
  status,
  body: { code, detail: code, ...more },
  headers,
});
