// The options and their defaults.

/** The part of the Web Locks API that the client uses. */
export interface Locks {
  request<T>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    work: (lock: unknown) => Promise<T>,
  ): Promise<T>;
}

/** The part of `BroadcastChannel` that the client uses. */
export interface Channel {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** The options of an `AuthService`. All are optional. */
export interface AuthOptions {
  /** The URL of the auth routes, relative to the page or absolute. Default: `/api/auth`. */
  readonly baseUrl?: string;
  /**
   * How the server delivers refresh tokens; it must match the server's configuration. `cookie`
   * (default, for browsers): in an `HttpOnly` cookie. `body` (for other programs): in the response
   * body; the client then keeps it in memory.
   */
  readonly refresh?: "cookie" | "body";
  /**
   * When requests to the auth routes carry cookies. Default: `same-origin`. Use `include` if the
   * auth routes are on another origin; that origin must allow this one by CORS with credentials.
   */
  readonly credentials?: RequestCredentials;
  /**
   * Origins to which `authenticatedFetch` may send the access token, besides the origin of the auth
   * routes. Default: none.
   */
  readonly origins?: readonly string[];
  /** The time limit for a response of the auth routes, in milliseconds. Default: 10,000. */
  readonly timeout?: number;
  /**
   * A request refreshes the token first if the token expires within this time, in milliseconds.
   * Default: 30,000; never more than a tenth of the token's lifetime.
   */
  readonly refreshBefore?: number;
  /**
   * How long `restore` waits for the token of another tab before it asks the server, in
   * milliseconds. Default: 100; 0 does not ask the other tabs.
   */
  readonly askTabs?: number;
  /** Whether tabs share refreshes, logins and logouts. Default: true; never with body delivery. */
  readonly tabs?: boolean;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Replaces `navigator.locks`; null for none. */
  readonly locks?: Locks | null;
  /** Replaces `new BroadcastChannel(name)`; null for none. */
  readonly channel?: ((name: string) => Channel) | null;
  /** Replaces `Date.now`. */
  readonly now?: () => number;
}

/** The options with all defaults filled in. */
export interface Settings {
  readonly base: URL;
  /** `base` as text without a slash at its end, for paths that begin with one. */
  readonly prefix: string;
  readonly delivery: "cookie" | "body";
  readonly credentials: RequestCredentials;
  readonly origins: ReadonlySet<string>;
  readonly timeout: number;
  readonly refreshBefore: number;
  readonly askTabs: number;
  readonly fetch: typeof fetch;
  readonly locks: Locks | null;
  readonly channel: ((name: string) => Channel) | null;
  readonly now: () => number;
}

/** Returns the base of relative URLs: the page's URL, or undefined outside of a page. */
export function pageAddress(): string | undefined {
  return globalThis.document?.baseURI ?? globalThis.location?.href;
}

/** Returns the origin of an http or https URL; null for other schemes, such as `blob:`. */
export function webOrigin(url: URL): string | null {
  return url.protocol === "https:" || url.protocol === "http:" ? url.origin : null;
}

function address(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

/** Fills in the defaults. Throws a `TypeError` for options that cannot work. */
export function settle(options: AuthOptions): Settings {
  const given = options.baseUrl ?? "/api/auth";
  const base = address(given, pageAddress());
  const own = base && webOrigin(base);
  if (base === null || !own) {
    throw new TypeError(`baseUrl must be an http or https URL, absolute outside of a page: ${given}`);
  }
  base.search = base.hash = "";
  // The path of a URL is never empty, so a root keeps its slash here; `prefix` removes it.
  base.pathname = base.pathname.replace(/\/+$/, "");
  const origins = (options.origins ?? []).map((origin) => {
    const url = address(origin);
    const parsed = url && webOrigin(url);
    if (!parsed) throw new TypeError(`origins must be absolute http or https URLs: ${origin}`);
    return parsed;
  });
  const delivery = options.refresh ?? "cookie";
  const tabs = delivery === "cookie" && (options.tabs ?? true);
  const open = typeof BroadcastChannel === "undefined" ? null : (name: string): Channel => new BroadcastChannel(name);
  return {
    base,
    prefix: base.href.replace(/\/+$/, ""),
    delivery,
    credentials: options.credentials ?? "same-origin",
    origins: new Set([own, ...origins]),
    timeout: options.timeout ?? 10_000,
    refreshBefore: options.refreshBefore ?? 30_000,
    askTabs: options.askTabs ?? 100,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    locks: tabs ? (options.locks === undefined ? (globalThis.navigator?.locks as Locks | undefined) ?? null : options.locks) : null,
    channel: tabs ? (options.channel === undefined ? open : options.channel) : null,
    now: options.now ?? (() => Date.now()),
  };
}
