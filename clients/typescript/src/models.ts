// Names for the types of the API, which are generated from the server's OpenAPI document.

import type { components } from "./api.js";

type Schemas = components["schemas"];

/** The input of a login: a user id or an e-mail address, never both. `null` means absent. */
export type Credentials =
  | { readonly user_id: string; readonly email?: null; readonly password: string }
  | { readonly email: string; readonly user_id?: null; readonly password: string };

/** A user, as `login` and `getMe` return it. */
export type Account = Schemas["Account"];

/** One of the user's own sessions. */
export type OwnSession = Schemas["OwnSessions"]["sessions"][number];

/** The response to a refresh. A login response has the same fields. */
export type RefreshAnswer = Schemas["Refreshed"];

/** The response to a login. */
export type LoginAnswer = Schemas["LoggedIn"];
