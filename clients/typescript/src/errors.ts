// The error types. The class of an error says whether the user is still logged in.

/** The reason of a revocation, as the server reports it. */
export type RevokedReason =
  | "logout"
  | "logout_all"
  | "admin"
  | "evicted"
  | "refresh_reuse"
  | "password_change"
  | "suspended";

/** An error response of the server: `code`, text, and the reason if the session was revoked. */
export interface Problem {
  /** HTTP status; 0 if there was no response. */
  readonly status: number;
  /**
   * Stable name of the error, such as `invalid_credentials`; empty if the response does not come
   * from the server's routes.
   */
  readonly code: string;
  /** Text for people, in the server's language. */
  readonly detail: string;
  /** Set with `session_revoked` only, otherwise null. A newer server may send other reasons. */
  readonly reason: RevokedReason | (string & {}) | null;
  /** Seconds to wait before the next attempt; null if the server did not say. */
  readonly retryAfter: number | null;
}

/** The base class of all errors of this package. No error holds a token. */
export class AuthError extends Error implements Problem {
  override readonly name: string = "AuthError";
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly reason: Problem["reason"];
  readonly retryAfter: number | null;

  constructor(problem: Partial<Problem> & { readonly code: string }, options?: ErrorOptions) {
    super(problem.detail || problem.code || `status ${problem.status ?? 0}`, options);
    this.status = problem.status ?? 0;
    this.code = problem.code;
    this.detail = problem.detail ?? "";
    this.reason = problem.reason ?? null;
    this.retryAfter = problem.retryAfter ?? null;
  }
}

/**
 * The server refused the request, or its response is unreadable; `status` and `code` say why. The
 * login does not end, also not after 429 or 503.
 */
export class ApiError extends AuthError {
  override readonly name = "ApiError";
}

/**
 * There was no response: the server was not reached (`unreachable`) or was too slow (`timeout`).
 * The login does not end.
 */
export class NetworkError extends AuthError {
  override readonly name = "NetworkError";
}

/** The login has ended; `code` and `reason` say why. Subscribers receive the same error. */
export class SessionEndedError extends AuthError {
  override readonly name = "SessionEndedError";
}

/** No user is logged in. Nothing was sent. */
export class NotLoggedInError extends AuthError {
  override readonly name = "NotLoggedInError";

  constructor() {
    super({ code: "not_logged_in", detail: "no user is logged in" });
  }
}

/**
 * A logout or another login happened during the operation. Its result belongs to the earlier login
 * and is discarded.
 */
export class SupersededError extends AuthError {
  override readonly name = "SupersededError";

  constructor() {
    super({ code: "superseded", detail: "the login changed during the operation" });
  }
}

/** The URL has an origin that must not receive the access token. Nothing was sent. */
export class ForeignOriginError extends AuthError {
  override readonly name = "ForeignOriginError";

  constructor(origin: string) {
    const detail = `cannot send the access token to ${origin}: it is not in the option origins`;
    super({ code: "foreign_origin", detail });
  }
}

/**
 * The server refused the access token, and the body was a stream, which cannot be sent again.
 *
 * The access token has been refreshed; send the request again with a new stream.
 */
export class BodyNotReplayableError extends AuthError {
  override readonly name = "BodyNotReplayableError";

  constructor() {
    const detail = "cannot send a stream twice: send the request again with a new stream";
    super({ code: "body_not_replayable", detail });
  }
}

/** This login cannot be refreshed: there is no refresh route, or no refresh token. Internal. */
export class NoRefreshError extends AuthError {
  override readonly name = "NoRefreshError";

  constructor() {
    super({ code: "no_refresh", detail: "this login cannot be refreshed" });
  }
}
