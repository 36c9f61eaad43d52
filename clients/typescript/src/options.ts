// What can be set, and what holds when it is not.

/** As much of the Web Locks API as is used. */
export interface Locks {
  request<T>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    work: (lock: unknown) => Promise<T>,
  ): Promise<T>;
}

/** As much of a `BroadcastChannel` as is used. */
export interface Channel {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** How an `AuthService` works. Everything has a default. */
export interface AuthOptions {
  /** Where the auth routes are mounted, relative to the page or absolute. `/api/auth` by default. */
  readonly baseUrl?: string;
  /**
   * How the server hands out refresh tokens, as it is configured: in an `HttpOnly` cookie (default, for
   * browsers) or in the body (for programs that are none; it is then kept in memory).
   */
  readonly refresh?: "cookie" | "body";
  /**
   * Whether the auth routes see cookies: `same-origin` by default; `include` where they are on another
   * origin, which must then allow this one by CORS with credentials.
   */
  readonly credentials?: RequestCredentials;
  /** Origins beside the auth routes' own that `authenticatedFetch` may show the access token. None by default. */
  readonly origins?: readonly string[];
  /** How long an answer of the auth routes is waited for, in milliseconds. 10,000 by default. */
  readonly timeout?: number;
  /**
   * So many milliseconds before it runs out a token is refreshed by the next request; 30,000 by
   * default, and never more than a tenth of the token's lifetime.
   */
  readonly refreshBefore?: number;
  /**
   * How long other tabs are asked for their token before `restore` asks the server, in milliseconds.
   * 100 by default; 0 asks nobody.
   */
  readonly askTabs?: number;
  /** Whether tabs share refreshes, logins and logouts. True by default; with body delivery they never do. */
  readonly tabs?: boolean;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Instead of `navigator.locks`; null for none. */
  readonly locks?: Locks | null;
  /** Instead of `new BroadcastChannel(name)`; null for none. */
  readonly channel?: ((name: string) => Channel) | null;
  /** Instead of `Date.now`. */
  readonly now?: () => number;
}

/** The options with nothing left open. */
export interface Settings {
  readonly base: URL;
  /** The same as text without a slash at its end, for paths that begin with one. */
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

/** What relative addresses are relative to: the page, or, outside of one, nothing. */
export function pageAddress(): string | undefined {
  return globalThis.document?.baseURI ?? globalThis.location?.href;
}

/** The origin of an address that a token may go to in principle; null for `blob:`, `file:` and the like. */
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

/** Fills in the defaults. Throws a `TypeError` for what cannot work. */
export function settle(options: AuthOptions): Settings {
  const given = options.baseUrl ?? "/api/auth";
  const base = address(given, pageAddress());
  const own = base && webOrigin(base);
  if (base === null || !own) throw new TypeError(`baseUrl must be a web address, absolute outside of a page: ${given}`);
  base.search = base.hash = "";
  // The path of a URL is never empty: at the root its slash can only go from the text.
  base.pathname = base.pathname.replace(/\/+$/, "");
  const origins = (options.origins ?? []).map((origin) => {
    const url = address(origin);
    const parsed = url && webOrigin(url);
    if (!parsed) throw new TypeError(`not a web origin: ${origin}`);
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
