// Reads the user and the session of a token, to compare logins. Only the server verifies tokens.

/** A user and one of the user's sessions. */
export interface Identity {
  readonly user: string;
  readonly session: string;
}

/** The claims of a token that the client uses, as far as they can be read. */
export interface Reading {
  readonly identity: Identity | null;
  /**
   * The claim `exp`: when the token expires by the server's clock, in seconds since 1970. It shows
   * which of two tokens is newer.
   */
  readonly expiry: number | null;
}

/** Reads `sub`, `sid` and `exp` of an access token. Verifies nothing. */
export function read(token: string): Reading {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    const { sub, sid, exp } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const identity = typeof sub === "string" && typeof sid === "string" ? { user: sub, session: sid } : null;
    return { identity, expiry: typeof exp === "number" ? exp : null };
  } catch {
    return { identity: null, expiry: null };
  }
}

/** Returns whether both belong to the same user. An unknown identity counts as the same. */
export function sameUser(a: Identity | null, b: Identity | null): boolean {
  return a === null || b === null || a.user === b.user;
}

/** Returns whether both belong to the same session. An unknown identity counts as the same. */
export function sameSession(a: Identity | null, b: Identity | null): boolean {
  return a === null || b === null || (a.user === b.user && a.session === b.session);
}
