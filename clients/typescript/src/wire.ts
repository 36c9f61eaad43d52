// Sends requests to the auth routes, and reads their responses.

import { ApiError, AuthError, NetworkError, type Problem, SupersededError } from "./errors.js";
import type { Settings } from "./options.js";

/** The parts of a request besides its method and path. */
export interface Sending {
  readonly token?: string | null;
  readonly json?: unknown;
  /** In milliseconds. Default: the `timeout` of the settings. */
  readonly timeout?: number;
  /** Cancels the request, which then fails with a `SupersededError`. */
  readonly signal?: AbortSignal;
}

export class Wire {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * Sends a request to an auth route and returns its parsed response. Rejects with an `ApiError`, a
   * `NetworkError` or a `SupersededError`.
   */
  async send(method: string, path: string, sending: Sending = {}): Promise<unknown> {
    const headers = new Headers({ accept: "application/json" });
    if (sending.token) headers.set("authorization", `Bearer ${sending.token}`);
    const init: RequestInit = {
      method,
      headers,
      cache: "no-store",
      credentials: this.#settings.credentials,
      redirect: "error",
      referrerPolicy: "no-referrer",
      // The browser must keep the next refresh cookie even if the user leaves the page before the
      // response arrives.
      keepalive: true,
    };
    if (sending.json !== undefined) {
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
  async #within<T>({ signal: outer, timeout = this.#settings.timeout }: Sending, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    let stop: (error: AuthError) => void = () => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = (error) => {
        reject(error);
        controller.abort();
      };
    });
    const late = { code: "timeout", detail: `no response within ${timeout} ms` };
    const timer = setTimeout(() => stop(new NetworkError(late)), timeout);
    const leave = (): void => stop(new SupersededError());
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
}

/**
 * Parses a response body. Throws an `ApiError` if it is not JSON, because it then does not come
 * from the server's routes.
 */
export async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw unreadable(response.status);
  }
}

/** Returns the error for a response that does not follow the HTTP API. */
export function unreadable(status: number): ApiError {
  const detail = "the response does not follow the HTTP API";
  return new ApiError({ code: "unreadable_answer", detail, status });
}

/** Reads an error response. `code` is empty if the body is not JSON of the server's routes. */
export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const said = (typeof body === "object" ? body : null) as Partial<Record<string, unknown>> | null;
  const text = (name: string): string => (typeof said?.[name] === "string" ? said[name] : "");
  return {
    status: response.status,
    code: text("code"),
    detail: text("detail"),
    reason: text("reason") || null,
    retryAfter: retryAfter(response.headers.get("retry-after")),
  };
}

/** Parses `Retry-After`, a number of seconds or a date, into seconds from now. */
export function retryAfter(value: string | null, now = Date.now()): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000));
}
