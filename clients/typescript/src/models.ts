// Names for the shapes of the API, which are generated from the server's OpenAPI document.

import type { components } from "./api.js";

type Schemas = components["schemas"];

/** Who logs in: by user id or by e-mail address, never both. `null` is as good as absent. */
export type Credentials =
  | { readonly user_id: string; readonly email?: null; readonly password: string }
  | { readonly email: string; readonly user_id?: null; readonly password: string };

/** A user, as `login` and `getMe` tell. */
export type Account = Schemas["Account"];

/** One of the caller's own sessions. */
export type OwnSession = Schemas["OwnSessions"]["sessions"][number];

/** What a refresh answers, and as much of it as a login answers too. */
export type RefreshAnswer = Schemas["Refreshed"];

/** What a login answers. */
export type LoginAnswer = Schemas["LoggedIn"];
