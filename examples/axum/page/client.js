// Built from clients/typescript by `npm run page` there: do not change it here.
// src/errors.ts
var AuthError = class extends Error {
  name = "AuthError";
  status;
  code;
  detail;
  reason;
  retryAfter;
  constructor(problem, options) {
    super(problem.detail || problem.code || `status ${problem.status ?? 0}`, options);
    this.status = problem.status ?? 0;
    this.code = problem.code;
    this.detail = problem.detail ?? "";
    this.reason = problem.reason ?? null;
    this.retryAfter = problem.retryAfter ?? null;
  }
};
var ApiError = class extends AuthError {
  name = "ApiError";
};
var NetworkError = class extends AuthError {
  name = "NetworkError";
};
var SessionEndedError = class extends AuthError {
  name = "SessionEndedError";
};
var NotLoggedInError = class extends AuthError {
  name = "NotLoggedInError";
  constructor() {
    super({ code: "not_logged_in", detail: "no user is logged in" });
  }
};
var SupersededError = class extends AuthError {
  name = "SupersededError";
  constructor() {
    super({ code: "superseded", detail: "the login changed during the operation" });
  }
};
var ForeignOriginError = class extends AuthError {
  name = "ForeignOriginError";
  constructor(origin) {
    const detail = `cannot send the access token to ${origin}: it is not in the option origins`;
    super({ code: "foreign_origin", detail });
  }
};
var BodyNotReplayableError = class extends AuthError {
  name = "BodyNotReplayableError";
  constructor() {
    const detail = "cannot send a stream twice: send the request again with a new stream";
    super({ code: "body_not_replayable", detail });
  }
};
var NoRefreshError = class extends AuthError {
  name = "NoRefreshError";
  constructor() {
    super({ code: "no_refresh", detail: "this login cannot be refreshed" });
  }
};

// src/identity.ts
function read(token) {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    const { sub, sid, exp } = JSON.parse(new TextDecoder().decode(bytes));
    const identity = typeof sub === "string" && typeof sid === "string" ? { user: sub, session: sid } : null;
    return { identity, expiry: typeof exp === "number" ? exp : null };
  } catch {
    return { identity: null, expiry: null };
  }
}
function sameUser(a, b) {
  return a === null || b === null || a.user === b.user;
}
function sameSession(a, b) {
  return a === null || b === null || a.user === b.user && a.session === b.session;
}

// src/follow.ts
var Follow = class {
  #state;
  #now;
  /** Whether this tab is restoring its login; it then takes over the login of another tab. */
  restoring = false;
  constructor(state, now) {
    this.#state = state;
    this.#now = now;
  }
  token(login, why) {
    const mine = this.#state.login;
    if (this.#state.isOver(login.identity)) return;
    if (login.token === mine?.token) return;
    if (mine === null) {
      if (this.restoring) this.#state.begin(login, "restore", true);
      else if (why === "login") this.#state.begin(login, "login", true);
    } else if (!sameUser(mine.identity, login.identity)) {
      if (why !== "answer") this.#state.end("replaced", true);
    } else if (why === "login" || sameSession(mine.identity, login.identity) && !earlier(login, mine)) {
      this.#state.renew(login);
    }
  }
  out(how, identity, error) {
    const mine = this.#state.login?.identity ?? null;
    if (identity) this.#state.bury(identity);
    if (this.#state.login === null) return;
    const concerned = how === "logout_all" ? sameUser(mine, identity) : sameSession(mine, identity);
    if (concerned) this.#state.end(how, true, error);
  }
  asked() {
    const login = this.#state.login;
    return login && login.expiresAt - this.#now() > login.lifetime / 10 ? login : null;
  }
};
function earlier(a, b) {
  return a.expiry !== null && b.expiry !== null && a.expiry < b.expiry;
}

// src/locks.ts
var Exclusive = class {
  #locks;
  #name;
  #patience;
  /** `patience`: milliseconds to wait for a held lock; the work then runs without it. */
  constructor(locks, name, patience) {
    this.#locks = locks ?? new OwnLock();
    this.#name = name;
    this.#patience = patience;
  }
  /**
   * Runs `work` under the lock. If the lock is unavailable, the work runs without it: the server
   * accepts two refreshes at the same time.
   */
  async run(work) {
    let begun = null;
    const begin = (waited) => begun = work(waited);
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), this.#patience);
    try {
      const free = async (lock) => lock ? { value: await begin(false) } : null;
      const done = await this.#locks.request(this.#name, { ifAvailable: true }, free);
      if (done) return done.value;
      return await this.#locks.request(this.#name, { signal: controller.signal }, () => begin(true));
    } catch (error) {
      if (begun) throw error;
      return await work(true);
    } finally {
      clearTimeout(timer);
    }
  }
};
var OwnLock = class {
  #tail = null;
  async request(_name, options, work) {
    if (this.#tail && options.ifAvailable) return work(null);
    while (this.#tail) await Promise.race([this.#tail, aborted(options.signal)]);
    const turn = work(this);
    const over = turn.then(
      () => {
      },
      () => {
      }
    );
    this.#tail = over;
    void over.then(() => {
      if (this.#tail === over) this.#tail = null;
    });
    return turn;
  }
};
function aborted(signal) {
  return new Promise((_, reject) => {
    const fail = () => reject(new DOMException("the lock was not free in time", "AbortError"));
    if (signal?.aborted) fail();
    signal?.addEventListener("abort", fail, { once: true });
  });
}

// src/options.ts
function pageAddress() {
  return globalThis.document?.baseURI ?? globalThis.location?.href;
}
function webOrigin(url) {
  return url.protocol === "https:" || url.protocol === "http:" ? url.origin : null;
}
function address(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
function settle(options) {
  const given = options.baseUrl ?? "/api/auth";
  const base = address(given, pageAddress());
  const own = base && webOrigin(base);
  if (base === null || !own) {
    throw new TypeError(`baseUrl must be an http or https URL, absolute outside of a page: ${given}`);
  }
  base.search = base.hash = "";
  base.pathname = base.pathname.replace(/\/+$/, "");
  const origins = (options.origins ?? []).map((origin) => {
    const url = address(origin);
    const parsed = url && webOrigin(url);
    if (!parsed) throw new TypeError(`origins must be absolute http or https URLs: ${origin}`);
    return parsed;
  });
  const delivery = options.refresh ?? "cookie";
  const tabs = delivery === "cookie" && (options.tabs ?? true);
  const open = typeof BroadcastChannel === "undefined" ? null : (name) => new BroadcastChannel(name);
  return {
    base,
    prefix: base.href.replace(/\/+$/, ""),
    delivery,
    credentials: options.credentials ?? "same-origin",
    origins: /* @__PURE__ */ new Set([own, ...origins]),
    timeout: options.timeout ?? 1e4,
    refreshBefore: options.refreshBefore ?? 3e4,
    askTabs: options.askTabs ?? 100,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    locks: tabs ? options.locks === void 0 ? globalThis.navigator?.locks ?? null : options.locks : null,
    channel: tabs ? options.channel === void 0 ? open : options.channel : null,
    now: options.now ?? (() => Date.now())
  };
}

// src/wire.ts
var Wire = class {
  #settings;
  constructor(settings) {
    this.#settings = settings;
  }
  /**
   * Sends a request to an auth route and returns its parsed response. Rejects with an `ApiError`, a
   * `NetworkError` or a `SupersededError`.
   */
  async send(method, path, sending = {}) {
    const headers = new Headers({ accept: "application/json" });
    if (sending.token) headers.set("authorization", `Bearer ${sending.token}`);
    const init = {
      method,
      headers,
      cache: "no-store",
      credentials: this.#settings.credentials,
      redirect: "error",
      referrerPolicy: "no-referrer",
      // The browser must keep the next refresh cookie even if the user leaves the page before the
      // response arrives.
      keepalive: true
    };
    if (sending.json !== void 0) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(sending.json);
    }
    return this.#within(sending, async (signal) => {
      const response = await this.#settings.fetch(this.#settings.prefix + path, { ...init, signal });
      if (!response.ok) throw new ApiError(await problemOf(response));
      return answerOf(response);
    });
  }
  /** Runs `work` until the timeout or the signal, also if `fetch` ignores signals. */
  async #within({ signal: outer, timeout = this.#settings.timeout }, work) {
    const controller = new AbortController();
    let stop = () => {
    };
    const stopped = new Promise((_, reject) => {
      stop = (error) => {
        reject(error);
        controller.abort();
      };
    });
    const late = { code: "timeout", detail: `no response within ${timeout} ms` };
    const timer = setTimeout(() => stop(new NetworkError(late)), timeout);
    const leave = () => stop(new SupersededError());
    if (outer?.aborted) leave();
    outer?.addEventListener("abort", leave);
    try {
      return await Promise.race([stopped, work(controller.signal)]);
    } catch (error) {
      if (error instanceof AuthError) throw error;
      throw new NetworkError({ code: "unreachable", detail: "the server cannot be reached" }, { cause: error });
    } finally {
      clearTimeout(timer);
      outer?.removeEventListener("abort", leave);
    }
  }
};
async function answerOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(response.status);
  }
}
function unreadable(status) {
  const detail = "the response does not follow the HTTP API";
  return new ApiError({ code: "unreadable_answer", detail, status });
}
async function problemOf(response) {
  const body = await response.json().catch(() => null);
  const said = typeof body === "object" ? body : null;
  const text = (name) => typeof said?.[name] === "string" ? said[name] : "";
  return {
    status: response.status,
    code: text("code"),
    detail: text("detail"),
    reason: text("reason") || null,
    retryAfter: retryAfter(response.headers.get("retry-after"))
  };
}
function retryAfter(value, now = Date.now()) {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1e3));
}

// src/refresher.ts
var HANDOVER = 250;
var LINGER = 50;
var ATTEMPT = 4e3;
var PAUSE = 250;
function loginFrom(answer, asked) {
  if (typeof answer?.access_token !== "string" || !(answer.expires_in >= 0)) throw unreadable(200);
  const lifetime = answer.expires_in * 1e3;
  return {
    token: answer.access_token,
    // Counted from the start of the request, so that it may be too early but never too late.
    expiresAt: asked + lifetime,
    lifetime,
    ...read(answer.access_token),
    refreshToken: answer.refresh_token ?? null
  };
}
var Refresher = class {
  #settings;
  #state;
  #wire;
  #tabs;
  #exclusive;
  #running = null;
  #pause = null;
  /** The epoch of the login that, as the server said, cannot be refreshed. */
  #none = -1;
  constructor(settings, state, wire, tabs, exclusive) {
    this.#settings = settings;
    this.#state = state;
    this.#wire = wire;
    this.#tabs = tabs;
    this.#exclusive = exclusive;
  }
  /** Whether the server has said that this login cannot be refreshed. */
  get impossible() {
    return this.#none === this.#state.epoch;
  }
  /**
   * Returns the login that replaces `stale`, the caller's current one. `stale` is null if this tab
   * has no login but the browser may have one. Concurrent callers share one refresh.
   */
  refresh(stale) {
    const { epoch } = this.#state;
    if (this.#running?.epoch === epoch) return this.#running.done;
    this.stop();
    const stop = new AbortController();
    const over = () => {
      if (this.#running?.stop === stop) this.#running = null;
    };
    const done = new Promise((resolve, reject) => {
      const work = async (waited) => {
        const { login, ours } = await this.#once(stale, epoch, waited, stop.signal).finally(over);
        resolve(login);
        if (ours && this.#settings.channel) await pause(LINGER, stop.signal);
      };
      this.#exclusive.run(work).catch(reject);
    });
    this.#running = { epoch, stop, done };
    return done;
  }
  /** Cancels the refresh in progress, because its login is over. */
  stop() {
    this.#running?.stop.abort();
    this.#running = null;
  }
  /** Refreshes once, under the lock. `ours` is false if the login comes from another tab. */
  async #once(stale, epoch, waited, signal) {
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
  #differs(stale) {
    return this.#state.login?.token !== stale?.token;
  }
  /** Returns the error with which the server asked for a pause, while that pause lasts. */
  #paused() {
    if (this.#pause === null) return null;
    const left = this.#pause.until - this.#settings.now();
    if (this.#pause.epoch !== this.#state.epoch || left <= 0 || left > this.#pause.length) this.#pause = null;
    return this.#pause?.error ?? null;
  }
  /**
   * Returns the login that another tab has sent meanwhile, or null. Throws a `SupersededError` if
   * the login changed so that this refresh is pointless.
   */
  #news(stale, epoch) {
    const { login } = this.#state;
    if (this.#state.epoch !== epoch) {
      if (stale === null && login !== null) return login;
      throw new SupersededError();
    }
    return login !== null && this.#differs(stale) ? login : null;
  }
  async #ask(stale, epoch, signal) {
    const asked = this.#settings.now();
    const body = this.#settings.delivery === "body";
    if (body && !stale?.refreshToken) throw new NoRefreshError();
    const json = body ? { json: { refresh_token: stale?.refreshToken } } : {};
    const timeout = Math.min(this.#settings.timeout, ATTEMPT);
    const send = () => this.#wire.send("POST", "/refresh", { ...json, timeout, signal });
    const answer = await send().catch(async (error) => {
      if (!(error instanceof NetworkError)) throw error;
      await pause(PAUSE, signal);
      return send();
    });
    if (this.#state.epoch !== epoch) throw new SupersededError();
    const next = loginFrom(answer, asked);
    this.#pause = null;
    if (stale === null) {
      this.#state.begin(next, "restore", false);
    } else if (sameUser(stale.identity, next.identity)) {
      this.#state.renew(next);
    } else {
      this.#state.end("replaced", true);
      throw new SupersededError();
    }
    this.#tabs.tellToken(next, "refresh");
    return next;
  }
  /** Returns the error for a failed refresh. Only a refused refresh token ends the login. */
  #refused(error, stale, epoch) {
    if (!(error instanceof ApiError)) return error;
    if (this.#state.epoch !== epoch) return new SupersededError();
    if (error.status === 404 || error.status === 401 && error.code === "missing_token") {
      this.#none = epoch;
      return new NoRefreshError();
    }
    if (error.status === 401 || error.status === 400 && error.code === "invalid_request") {
      const over = new SessionEndedError(error);
      if (stale) this.#tabs.tellOut("ended", stale.identity, over);
      if (stale) this.#state.end("ended", false, over);
      return over;
    }
    if (error.retryAfter) {
      const length = error.retryAfter * 1e3;
      this.#pause = { epoch, until: this.#settings.now() + length, length, error };
    }
    return error;
  }
};
function pause(milliseconds, signal) {
  return new Promise((resume) => {
    const timer = setTimeout(resume, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resume();
    });
    if (signal.aborted) resume();
  });
}

// src/request.ts
function prepare(settings, input, init = {}) {
  const request = typeof Request !== "undefined" && input instanceof Request ? input : null;
  const url = new URL(request ? request.url : String(input), pageAddress() ?? settings.base);
  const origin = webOrigin(url);
  if (origin === null || !settings.origins.has(origin)) throw new ForeignOriginError(origin ?? url.protocol);
  const redirect = init.redirect ?? "error";
  const source = request && new Request(request, init);
  const given = source ? source.headers : init.headers;
  return {
    url,
    again: !isStream(init.body),
    signal: init.signal ?? request?.signal ?? null,
    send(token) {
      const headers = new Headers(given);
      headers.set("authorization", `Bearer ${token}`);
      if (source) return settings.fetch(new Request(source.clone(), { headers, redirect }));
      return settings.fetch(url.href, { ...init, headers, redirect });
    }
  };
}
function isStream(body) {
  return typeof body === "object" && body !== null && ("getReader" in body || Symbol.asyncIterator in body);
}
async function unlessAborted(signal, promise) {
  if (signal === null) return promise;
  signal.throwIfAborted();
  let stop = () => {
  };
  const aborted2 = new Promise((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([promise, aborted2]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

// src/state.ts
var REMEMBERED = 32;
var State = class {
  #login = null;
  #epoch = 0;
  #over = [];
  #listeners = /* @__PURE__ */ new Set();
  get login() {
    return this.#login;
  }
  /**
   * A number that changes with each login and each end of a login. It shows that a response belongs
   * to an earlier login.
   */
  get epoch() {
    return this.#epoch;
  }
  /** Starts a login and notifies the subscribers. */
  begin(login, cause, elsewhere) {
    this.#login = login;
    this.#epoch += 1;
    this.#tell({ loggedIn: true, cause, elsewhere, error: null });
  }
  /** Replaces the token of the login. Subscribers receive nothing. */
  renew(login) {
    this.#login = login;
  }
  /** Ends the login and notifies the subscribers. `error` is the server's reason, if any. */
  end(cause, elsewhere, error = null) {
    const identity = this.#login?.identity;
    if (identity && cause !== "replaced") this.bury(identity);
    this.#login = null;
    this.#epoch += 1;
    const why = error instanceof SessionEndedError || error === null ? error : new SessionEndedError(error);
    this.#tell({ loggedIn: false, cause, elsewhere, error: why });
  }
  /** Remembers that this session is over. */
  bury(identity) {
    this.#over = [identity, ...this.#over].slice(0, REMEMBERED);
  }
  isOver(identity) {
    return identity !== null && this.#over.some((over) => sameSession(over, identity));
  }
  subscribe(listener) {
    const own = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }
  #tell(change) {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
};

// src/tabs.ts
var Tabs = class {
  #channel;
  #hearing;
  #waiting = /* @__PURE__ */ new Set();
  constructor(channel, hearing) {
    this.#channel = channel;
    this.#hearing = hearing;
    if (channel) channel.onmessage = (event) => this.#hear(event.data);
  }
  tellToken(login, why) {
    const { token, expiresAt, lifetime } = login;
    this.#post({ v: 1, type: "token", why, token, expiresAt, lifetime });
  }
  tellOut(how, identity, error) {
    const problem = error && {
      status: error.status,
      code: error.code,
      detail: error.detail,
      reason: error.reason,
      retryAfter: error.retryAfter
    };
    this.#post({ v: 1, type: "out", how, identity, problem });
  }
  /**
   * Asks the other tabs for their token. Waits until `enough` returns true, but at most `patience`
   * milliseconds.
   */
  async ask(patience, enough) {
    if (this.#channel === null || patience <= 0) return;
    await new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(heard);
        resolve();
      };
      const timer = setTimeout(done, patience);
      const heard = (closed) => {
        if (closed || enough()) done();
      };
      this.#waiting.add(heard);
      this.#post({ v: 1, type: "ask" });
    });
  }
  close() {
    for (const heard of [...this.#waiting]) heard(true);
    this.#channel?.close();
  }
  #post(message) {
    try {
      this.#channel?.postMessage(message);
    } catch {
    }
  }
  #hear(data) {
    const message = data;
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
};

// src/service.ts
var ANOTHER_TOKEN = /* @__PURE__ */ new Set(["token_expired", "invalid_token"]);
var OVER = /* @__PURE__ */ new Set(["session_revoked", "session_expired"]);
var AuthService = class {
  #settings;
  #state = new State();
  #wire;
  #follow;
  #tabs;
  #exclusive;
  #refresher;
  #restoring = null;
  /**
   * Sends nothing. Call {@link restore} to take over a login that the browser may still have.
   * Throws a `TypeError` for options that cannot work.
   */
  constructor(options = {}) {
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
  get loggedIn() {
    return this.#state.login !== null;
  }
  /**
   * The id of the logged-in user, read from the access token; null if no user is logged in or the
   * token cannot be read.
   */
  get userId() {
    return this.#state.login?.identity?.user ?? null;
  }
  /**
   * Calls `listener` at each login and each end of a login, in this tab or in another one. Returns
   * the function that unsubscribes it.
   */
  subscribe(listener) {
    return this.#state.subscribe(listener);
  }
  /**
   * Logs in. The request is sent once only: a second one could create a second session.
   *
   * Rejects with an `ApiError` (`invalid_credentials`, `rate_limited` with `retryAfter`, …) or a
   * `NetworkError`. A user who was logged in before then stays logged in.
   */
  async login(credentials) {
    return this.#exclusive.run(async () => {
      const asked = this.#settings.now();
      const answer = await this.#wire.send("POST", "/login", { json: credentials });
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
  restore() {
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = null;
      this.#follow.restoring = false;
    });
    return this.#restoring;
  }
  async #restore() {
    if (this.loggedIn) return true;
    this.#follow.restoring = true;
    try {
      await this.#refresher.refresh(null);
    } catch (error) {
      if (error instanceof SessionEndedError) {
        if (OVER.has(error.code)) this.#state.end("ended", false, error);
      } else if (!(error instanceof NoRefreshError || error instanceof SupersededError)) {
        throw error;
      }
    }
    return this.loggedIn;
  }
  /** Returns the logged-in user as the server knows it now: the role may have changed. */
  async getMe() {
    return await this.#call("GET", "/me");
  }
  /** Returns all live sessions of the logged-in user; `current` marks this one. */
  async sessions() {
    return (await this.#call("GET", "/sessions")).sessions;
  }
  /**
   * Revokes one of the user's own sessions, on any device. Rejects with `not_found` (404) if there
   * is no session with this id.
   */
  async endSession(id) {
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
  async logout() {
    const login = this.#state.login;
    this.#refresher.stop();
    await this.#exclusive.run(async () => {
      const token = login?.token ?? null;
      const refreshToken = login?.refreshToken;
      const json = refreshToken ? { json: { refresh_token: refreshToken } } : {};
      try {
        await this.#wire.send("POST", "/logout", { token, ...json });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) throw error;
      }
      this.#left("logout", login);
    });
  }
  /** Revokes all sessions of the logged-in user, on all devices. Returns their number. */
  async logoutAll() {
    const login = this.#state.login;
    const { deleted_count: ended } = await this.#call("POST", "/logout-all");
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
  async authenticatedFetch(input, init) {
    const request = prepare(this.#settings, input, init);
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
    const refused = again.code === "invalid_token" && request.url.origin === this.#settings.base.origin;
    if (OVER.has(again.code) || refused) throw this.#ended(new SessionEndedError(again), next, epoch);
    return second;
  }
  /**
   * Stops receiving messages of other tabs and sending messages to them. Does not log out. Call it
   * if the page continues without this service.
   */
  close() {
    this.#refresher.stop();
    this.#tabs.close();
  }
  /** Returns the login. Refreshes it first, if possible, when its token expires soon. */
  async #usable() {
    const { login } = this.#state;
    if (login === null) throw new NotLoggedInError();
    const left = login.expiresAt - this.#settings.now();
    if (left > Math.min(this.#settings.refreshBefore, login.lifetime / 10)) return login;
    try {
      return this.#refresher.impossible ? login : await this.#refresher.refresh(login);
    } catch (error) {
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
  async #after(login, refusal, epoch) {
    const now = this.#state.login;
    if (now !== null && now.token !== login.token) return now;
    try {
      return await this.#refresher.refresh(login);
    } catch (error) {
      throw error instanceof NoRefreshError ? this.#ended(refusal, login, epoch) : error;
    }
  }
  async #send(request, login, epoch) {
    if (this.#state.epoch !== epoch) throw new SupersededError();
    const response = await request.send(login.token);
    if (this.#state.epoch === epoch) return response;
    throw new SupersededError();
  }
  /** Ends the login in all tabs, and returns the error to throw. */
  #ended(error, login, epoch) {
    if (this.#state.epoch !== epoch) return new SupersededError();
    this.#tabs.tellOut("ended", login.identity, error);
    this.#state.end("ended", false, error);
    return error;
  }
  /** Ends the login in all tabs after a logout. */
  #left(how, login) {
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
  async #leave(how, login) {
    this.#left(how, login);
    if (this.#settings.delivery === "body") return;
    await this.#exclusive.run(async () => {
      if (this.loggedIn) return;
      await this.#wire.send("POST", "/logout", { token: login?.token ?? null }).catch(() => {
      });
    });
  }
  /** Calls an auth route that needs an access token. */
  async #call(method, path) {
    const init = { method, cache: "no-store", credentials: this.#settings.credentials };
    const headers = { accept: "application/json" };
    const signal = AbortSignal.timeout(this.#settings.timeout);
    const options = { ...init, headers, signal, referrerPolicy: "no-referrer" };
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
};
export {
  ApiError,
  AuthError,
  AuthService,
  BodyNotReplayableError,
  ForeignOriginError,
  NetworkError,
  NotLoggedInError,
  SessionEndedError,
  SupersededError
};
