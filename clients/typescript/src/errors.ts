// What can go wrong, as types: so that nobody has to read texts to know whether somebody is still logged in.

/** Why a session was ended by somebody, as the server tells it. */
export type RevokedReason =
  | "logout"
  | "logout_all"
  | "admin"
  | "evicted"
  | "refresh_reuse"
  | "password_change"
  | "suspended";

/** What a refusal of the server says: its contract's `code`, its text, and for a revoked session the reason. */
export interface Problem {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Stable name of what is wrong, such as `invalid_credentials`; empty when the answer was not the server's. */
  readonly code: string;
  /** For people, in the server's language. */
  readonly detail: string;
  /** Only with `session_revoked`. An open set: a newer server may know more. */
  readonly reason: RevokedReason | (string & {}) | null;
  /** When to try again, in seconds, if the server said so. */
  readonly retryAfter: number | null;
}

/** The root of all errors of this package. None holds a token. */
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

/** The server refused: `status` and `code` say what. The login goes on, also with 429 and 503. */
export class ApiError extends AuthError {
  override readonly name = "ApiError";
}

/** There was no answer: not reached (`unreachable`) or too late (`timeout`). The login goes on. */
export class NetworkError extends AuthError {
  override readonly name = "NetworkError";
}

/** The login is over, and `code` and `reason` say why. Subscribers are told the same. */
export class SessionEndedError extends AuthError {
  override readonly name = "SessionEndedError";
}

/** Nobody is logged in here. */
export class NotLoggedInError extends AuthError {
  override readonly name = "NotLoggedInError";

  constructor() {
    super({ code: "not_logged_in", detail: "nobody is logged in" });
  }
}

/** Somebody logged out, or somebody else logged in, while this was under way: its answer belongs to nobody here. */
export class SupersededError extends AuthError {
  override readonly name = "SupersededError";

  constructor() {
    super({ code: "superseded", detail: "the login changed meanwhile" });
  }
}

/** The address is of an origin that must not see the access token. Nothing was sent. */
export class ForeignOriginError extends AuthError {
  override readonly name = "ForeignOriginError";

  constructor(origin: string) {
    super({ code: "foreign_origin", detail: `no access token is sent to ${origin}` });
  }
}

/**
 * The access token had run out, and the body was a stream: it has been read and cannot be sent again.
 *
 * The token has been refreshed; send the request again with a new stream.
 */
export class BodyNotReplayableError extends AuthError {
  override readonly name = "BodyNotReplayableError";

  constructor() {
    super({ code: "body_not_replayable", detail: "a stream cannot be sent twice: send it again" });
  }
}

/** This server has no refresh for this login: none is mounted, or there is no refresh token. For inner use. */
export class NoRefreshError extends AuthError {
  override readonly name = "NoRefreshError";

  constructor() {
    super({ code: "no_refresh", detail: "this login cannot be refreshed" });
  }
}
