// A request of the application, checked before anything is sent, and ready to be sent once more.

import { ForeignOriginError } from "./errors.js";
import { type Settings, pageAddress, webOrigin } from "./options.js";

/** What `fetch` takes. */
export type Input = RequestInfo | URL;

export interface Prepared {
  readonly url: URL;
  /** Whether it can be sent twice: a stream cannot. */
  readonly again: boolean;
  readonly signal: AbortSignal | null;
  send(token: string): Promise<Response>;
}

/** Throws `ForeignOriginError` for an address that must not see the token, and `TypeError` for what is none. */
export function prepare(settings: Settings, input: Input, init: RequestInit = {}): Prepared {
  const request = typeof Request !== "undefined" && input instanceof Request ? input : null;
  const url = new URL(request ? request.url : String(input), pageAddress() ?? settings.base);
  const origin = webOrigin(url);
  if (origin === null || !settings.origins.has(origin)) throw new ForeignOriginError(origin ?? url.protocol);
  // A redirect to another origin would take the token along in older browsers.
  const redirect = init.redirect ?? "error";
  // A `Request` is read when it is sent; its clones keep what was read.
  const source = request && new Request(request, init);
  // It has the type of its body as well, which with a form's has the boundary in it.
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

/** A body that is gone once it has been read. */
function isStream(body: unknown): boolean {
  return typeof body === "object" && body !== null && ("getReader" in body || Symbol.asyncIterator in body);
}

/** The same promise, but no longer waited for when the signal fires. */
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
