import { expect, it } from "vitest";
import { ApiError } from "../src/index.js";
import { Browser, DATA } from "./support/browser.js";
import { ok, refusal } from "./support/server.js";

it("a login returns the user without a token", async () => {
  const browser = new Browser();
  const { auth, changes } = browser.tab();
  expect(auth.loggedIn).toBe(false);
  const me = await auth.login({ user_id: "제주", password: "right" });
  expect(me).toEqual({ user_id: "제주", user_name: null, email: null, role: "user" });
  expect([auth.loggedIn, auth.userId]).toEqual([true, "제주"]);
  expect(changes).toEqual([{ loggedIn: true, cause: "login", elsewhere: false, error: null }]);
  expect(await auth.getMe()).toEqual(me);
});

it.each([
  ["https://api.example", "https://api.example"],
  ["https://api.example/", "https://api.example"],
  ["https://api.example//", "https://api.example"],
  ["https://api.example/auth//?a=b#c", "https://api.example/auth"],
])("the base URL %s leads to the auth routes", async (baseUrl, prefix) => {
  const seen: string[] = [];
  const answer = (input: unknown): Promise<Response> => {
    seen.push(String(input));
    return Promise.resolve(Response.json({ access_token: "a.b.c", expires_in: 100, user_id: "jeju" }));
  };
  const { auth } = new Browser().tab({ baseUrl, fetch: answer as typeof fetch });
  await auth.login({ user_id: "jeju", password: "right" });
  await auth.getMe();
  expect(seen).toEqual([`${prefix}/login`, `${prefix}/me`]);
});

it("a refused login reports why and does not end the earlier login", async () => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  const wrong = auth.login({ user_id: "user", password: "wrong" });
  await expect(wrong).rejects.toMatchObject({ name: "ApiError", status: 401, code: "invalid_credentials" });
  browser.server.once("POST /api/auth/login", refusal(429, "rate_limited", {}, { "retry-after": "42" }));
  const limited = auth.login({ email: "user@example.com", password: "right" });
  await expect(limited).rejects.toMatchObject({ status: 429, code: "rate_limited", retryAfter: 42 });
  expect(auth.userId).toBe("jeju");
  expect(changes.length).toBe(1);
  expect(browser.server.count("/api/auth/login"), "each is sent once").toBe(3);
});

it("an invalid login response is an error, not a login", async () => {
  const browser = new Browser();
  const { auth } = browser.tab();
  for (const body of [{}, null, { access_token: "a.b.c" }, { access_token: 1, expires_in: 1 }]) {
    browser.server.once("POST /api/auth/login", ok(body));
    await expect(auth.login({ user_id: "jeju", password: "right" })).rejects.toThrow(ApiError);
  }
  expect(auth.loggedIn).toBe(false);
});

it("a logout revokes the session, also with an expired token", async () => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  browser.server.expireTokens();
  await auth.logout();
  expect([...browser.server.sessions.values()].map(({ ended }) => ended)).toEqual(["logout"]);
  expect(browser.server.count("/api/auth/refresh")).toBe(0);
  expect(changes.at(-1)).toEqual({ loggedIn: false, cause: "logout", elsewhere: false, error: null });
  await expect(auth.getMe()).rejects.toMatchObject({ name: "NotLoggedInError" });
});

it("a logout that the server cannot perform does not end the login", async () => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  browser.server.once("POST /api/auth/logout", refusal(503, "store_unavailable", {}, { "retry-after": "1" }));
  await expect(auth.logout()).rejects.toMatchObject({ status: 503, retryAfter: 1 });
  expect(auth.loggedIn).toBe(true);
  await auth.logout();
  expect(changes.map(({ cause }) => cause)).toEqual(["login", "logout"]);
});

it("a logout from a session that is already over succeeds", async () => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  browser.server.once("POST /api/auth/logout", refusal(401, "session_revoked", { reason: "admin" }));
  await auth.logout();
  expect(changes.at(-1)).toMatchObject({ cause: "logout", error: null });
  // No user is logged in, and subscribers receive no second event.
  await auth.logout();
  expect(changes.length).toBe(2);
});

it("a logout from all sessions returns their number", async () => {
  const browser = new Browser();
  browser.server.open("jeju");
  const { auth, changes } = await browser.loggedIn();
  expect(await auth.logoutAll()).toBe(2);
  expect(changes.at(-1)).toMatchObject({ loggedIn: false, cause: "logout_all", elsewhere: false });
  expect(browser.server.cookie, "the cookie goes as well").toBe(null);
});

it("own sessions are listed and revoked; revoking the current one is a logout", async () => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  const other = browser.server.open("jeju").session;
  const [mine] = await auth.sessions();
  await auth.endSession(other);
  expect(browser.server.sessions.get(other)?.ended).toBe("logout");
  expect(auth.loggedIn).toBe(true);
  await expect(auth.endSession(browser.server.open("user").session)).rejects.toMatchObject({ status: 404, code: "not_found" });
  await expect(auth.endSession("../me")).rejects.toMatchObject({ status: 404 });
  expect(browser.server.seen.at(-1)?.url).toMatch(/\/sessions\/\.\.%2Fme$/);
  await auth.endSession(mine?.session_id ?? "");
  expect(changes.at(-1)).toMatchObject({ loggedIn: false, cause: "logout" });
  expect(browser.server.cookie, "the cookie goes as well").toBe(null);
});

it.each(["refresh", "request"])("a late response to a %s does not restore the login after a logout", async (what) => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  browser.server.expireTokens();
  const letGo = browser.server.hold(what === "refresh" ? "POST /api/auth/refresh" : "GET /api/data");
  const asked = auth.authenticatedFetch(DATA);
  // Wait until the request is sent before the logout.
  while (browser.server.count(what === "refresh" ? "/api/auth/refresh" : "/api/data") === 0) await new Promise((next) => setTimeout(next, 1));
  const late = expect(asked).rejects.toMatchObject({ code: "superseded" });
  await auth.logout();
  letGo();
  await late;
  await new Promise((next) => setTimeout(next, 20));
  expect(auth.loggedIn).toBe(false);
  expect(changes.map(({ cause }) => cause)).toEqual(["login", "logout"]);
  await expect(auth.authenticatedFetch(DATA)).rejects.toMatchObject({ code: "not_logged_in" });
});
