/**
 * Browser client of tower-session-auth.
 *
 * @packageDocumentation
 */

export {
  ApiError,
  AuthError,
  BodyNotReplayableError,
  ForeignOriginError,
  NetworkError,
  NotLoggedInError,
  type Problem,
  type RevokedReason,
  SessionEndedError,
  SupersededError,
} from "./errors.js";
export type { Account, Credentials, OwnSession } from "./models.js";
export type { AuthOptions, Channel, Locks } from "./options.js";
export { AuthService } from "./service.js";
export type { AuthChange, Cause, Listener } from "./state.js";
export type { components, operations, paths } from "./api.js";
