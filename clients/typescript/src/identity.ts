// Whose token it is. Only for comparing: whether a token is good is for the server to say.

/** A user, and which of the user's sessions. */
export interface Identity {
  readonly user: string;
  readonly session: string;
}

/** What a token says of itself, as far as it can be read. */
export interface Reading {
  readonly identity: Identity | null;
  /** When it runs out by the server's clock, in seconds: for telling which of two tokens is the later one. */
  readonly expiry: number | null;
}

/** Reads `sub`, `sid` and `exp` of an access token. */
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

/** Whether both are of one user; who cannot be told apart counts as one. */
export function sameUser(a: Identity | null, b: Identity | null): boolean {
  return a === null || b === null || a.user === b.user;
}

/** The same for the session. */
export function sameSession(a: Identity | null, b: Identity | null): boolean {
  return a === null || b === null || (a.user === b.user && a.session === b.session);
}
