// Whose token it is. Only for comparing: whether a token is good is for the server to say.

/** A user, and which of the user's sessions. */
export interface Identity {
  readonly user: string;
  readonly session: string;
}

/** Reads `sub` and `sid` of an access token; null when it is none that can be read. */
export function identityOf(token: string): Identity | null {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    const { sub, sid } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return typeof sub === "string" && typeof sid === "string" ? { user: sub, session: sid } : null;
  } catch {
    return null;
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
