// A request of the application. Its URL is checked before anything is sent. It can be sent twice.

import { ForeignOriginError } from "./errors.js";
import { type Settings, pageAddress, webOrigin } from "./options.js";

/** The first argument of `fetch`. */
export type Input = RequestInfo | URL;

export interface Prepared {
  readonly url: URL;
  /** Whether it can be sent twice; false if its body is a stream. */
  readonly again: boolean;
  readonly signal: AbortSignal | null;
  send(token: string): Promise<Response>;
}

/**
 * Prepares a request. Throws a `ForeignOriginError` if its URL must not receive the token, and a
 * `TypeError` if it is not a URL.
 */
export function prepare(settings: Settings, input: Input, init: RequestInit = {}): Prepared {
  const request = typeof Request !== "undefined" && input instanceof Request ? input : null;
  const url = new URL(request ? request.url : String(input), pageAddress() ?? settings.base);
  const origin = webOrigin(url);
  if (origin === null || !settings.origins.has(origin)) throw new ForeignOriginError(origin ?? url.protocol);
  // After a redirect to another origin, older browsers send the token to that origin too.
  const redirect = init.redirect ?? "error";
  // Sending a `Request` consumes its body, so each attempt sends a clone.
  const source = request && new Request(request, init);
  // The headers of `source` include the type of its body, with the boundary if it is a form.
  const given = source ? source.headers : init.headers;
  return {
    url,
    again: !isStream(init.body),
    signal: init.signal ?? request?.signal ?? null,
    send(token): Promise<Response> {
      const headers = new Headers(given);
      headers.set("authorization", `Bearer ${token}`);
      if (source) return settings.fetch(new Request(source.clone(), { headers, redirect }));
      return settings.fetch(url.href, { ...init, headers, redirect });
    },
  };
}

/** Returns whether a body can be read only once. */
function isStream(body: unknown): boolean {
  return typeof body === "object" && body !== null && ("getReader" in body || Symbol.asyncIterator in body);
}

/** Waits for `promise`, but rejects as soon as the signal fires. */
export async function unlessAborted<T>(signal: AbortSignal | null, promise: Promise<T>): Promise<T> {
  if (signal === null) return promise;
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
