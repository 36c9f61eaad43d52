import { expect, it, vi } from "vitest";
import { ApiError, NetworkError, SessionEndedError } from "../src/index.js";
import { Browser, DATA } from "./support/browser.js";
import { refusal } from "./support/server.js";

const ended = (code: string, reason: string | null = null) => ({
  loggedIn: false,
  cause: "ended",
  elsewhere: false,
  error: expect.objectContaining({ name: "SessionEndedError", code, reason }) as unknown,
});

it.each(["logout", "logout_all", "admin", "evicted", "refresh_reuse", "password_change", "suspended"])(
  "a session revoked with the reason %s is reported once, with this reason",
  async (reason) => {
    const browser = new Browser();
    const { auth, changes } = await browser.loggedIn();
    for (const session of browser.server.sessions.values()) session.ended = reason;
    const asked = await Promise.allSettled([auth.getMe(), auth.sessions(), auth.authenticatedFetch(DATA)]);
    const codes = asked.map((one) => (one.status === "rejected" ? (one.reason as ApiError).code : "answered"));
    expect(codes).toContain("session_revoked");
    expect(codes.filter((code) => code !== "session_revoked" && code !== "superseded")).toEqual([]);
    expect(changes.slice(1)).toEqual([ended("session_revoked", reason)]);
    expect(auth.loggedIn).toBe(false);
    expect(auth.userId).toBe(null);
    expect(browser.server.count("/api/auth/refresh")).toBe(0);
  },
);

it("an expired session is reported when a refresh fails", async () => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  browser.server.once("GET /api/data", refusal(401, "token_expired"));
  for (const session of browser.server.sessions.values()) session.expired = true;
  await expect(auth.authenticatedFetch(DATA)).rejects.toThrow(SessionEndedError);
  expect(changes.slice(1)).toEqual([ended("session_expired")]);
});

it("a refreshed token that is refused as well ends the login", async () => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  for (const _ of [1, 2]) browser.server.once("GET /api/data", refusal(401, "invalid_token"));
  await expect(auth.authenticatedFetch(DATA)).rejects.toThrow(SessionEndedError);
  expect(changes.slice(1)).toEqual([ended("invalid_token")]);
  expect(browser.server.count("/api/auth/refresh")).toBe(1);
});

it.each([
  [401, "invalid_token"],
  [401, "session_expired"],
  [401, "a_code_of_a_newer_server"],
  [401, ""],
  [400, "invalid_request"],
])("a refresh refused with %d %s ends the login", async (status, code) => {
  const browser = new Browser();
  const { auth, changes } = await browser.loggedIn();
  browser.server.expireTokens();
  browser.server.once("POST /api/auth/refresh", refusal(status, code));
  await expect(auth.getMe()).rejects.toThrow(SessionEndedError);
  expect(changes.slice(1)).toEqual([ended(code)]);
  // The error does not persist: the next login works.
  await auth.login({ user_id: "jeju", password: "right" });
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
});

it.each([
  [401, "invalid_token"],
  [400, "invalid_request"],
])("restore with a cookie refused with %d %s is false and sends no event", async (status, code) => {
  const browser = new Browser();
  browser.server.cookie = "a session of another server";
  browser.server.once("POST /api/auth/refresh", refusal(status, code));
  const { auth, changes } = browser.tab();
  expect(await auth.restore()).toBe(false);
  expect(changes).toEqual([]);
});

it.each([
  [503, "store_unavailable", 7],
  [503, "overloaded", 1],
  [429, "rate_limited", 30],
  [403, "cross_site", null],
  [403, "account_inactive", null],
  [400, "", null],
  [500, "internal", null],
  [502, "", null],
])("a refresh refused with %d %s does not end the login", async (status, code, seconds) => {
  const browser = new Browser();
  let now = Date.now();
  const { auth, changes } = await browser.loggedIn("jeju", { now: () => now });
  browser.server.expireTokens();
  const headers: Record<string, string> = seconds ? { "retry-after": String(seconds) } : {};
  browser.server.once("POST /api/auth/refresh", refusal(status, code, {}, headers));
  const refused = expect.objectContaining({ name: "ApiError", status, code, retryAfter: seconds }) as unknown;
  await expect(auth.authenticatedFetch(DATA)).rejects.toEqual(refused);
  if (seconds) {
    // No second refresh before `Retry-After` has passed.
    await expect(auth.authenticatedFetch(DATA)).rejects.toEqual(refused);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
    now += seconds * 1000;
  }
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  expect(changes.map(({ cause }) => cause)).toEqual(["login"]);
});

it("a Retry-After pause does not apply to the next login", async () => {
  const browser = new Browser();
  const { auth } = await browser.loggedIn();
  browser.server.expireTokens();
  browser.server.once("POST /api/auth/refresh", refusal(503, "store_unavailable", {}, { "retry-after": "30" }));
  await expect(auth.authenticatedFetch(DATA)).rejects.toMatchObject({ status: 503 });
  await auth.login({ user_id: "jeju", password: "right" });
  browser.server.expireTokens();
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
});

it("a Retry-After pause ends if the clock is set back", async () => {
  const browser = new Browser();
  let now = Date.now();
  const { auth } = await browser.loggedIn("jeju", { now: () => now });
  browser.server.expireTokens();
  browser.server.once("POST /api/auth/refresh", refusal(503, "store_unavailable", {}, { "retry-after": "30" }));
  await expect(auth.authenticatedFetch(DATA)).rejects.toMatchObject({ status: 503 });
  now -= 3_600_000;
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
});

it("a refresh whose response is lost is sent once more", async () => {
  const browser = new Browser();
  const { auth } = await browser.loggedIn();
  browser.server.expireTokens();
  browser.server.once("POST /api/auth/refresh", new TypeError("failed to fetch"));
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  expect(browser.server.count("/api/auth/refresh")).toBe(2);
});

it("a network failure does not end the login", async () => {
  const browser = new Browser();
  const { auth } = await browser.loggedIn();
  browser.server.expireTokens();
  for (const _ of [1, 2]) browser.server.once("POST /api/auth/refresh", new TypeError("failed to fetch"));
  await expect(auth.authenticatedFetch(DATA)).rejects.toThrow(NetworkError);
  browser.server.once("POST /api/auth/logout", new TypeError("failed to fetch"));
  await expect(auth.logout()).rejects.toMatchObject({ name: "NetworkError", code: "unreachable" });
  browser.server.once("GET /api/auth/me", new TypeError("failed to fetch"));
  await expect(auth.getMe()).rejects.toMatchObject({ name: "NetworkError", code: "unreachable" });
  expect(auth.loggedIn).toBe(true);
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
});

it("a missing response is a timeout and does not end the login", async () => {
  const browser = new Browser();
  const { auth } = await browser.loggedIn("jeju", { timeout: 20 });
  const letGo = browser.server.hold("POST /api/auth/logout");
  await expect(auth.logout()).rejects.toMatchObject({ name: "NetworkError", code: "timeout" });
  letGo();
  expect(auth.loggedIn).toBe(true);
});

it("a failed refresh does not matter while the token is still valid", async () => {
  const browser = new Browser();
  let now = Date.now();
  const { auth } = await browser.loggedIn("jeju", { now: () => now });
  browser.server.now = () => now;
  now += 95_000;
  browser.server.once("POST /api/auth/refresh", refusal(503, "store_unavailable", {}, { "retry-after": "1" }));
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  expect(browser.server.count("/api/auth/refresh")).toBe(1);
});

it.each([
  ["no refresh is mounted", (browser: Browser) => (browser.server.refreshMounted = false)],
  ["there is no cookie", (browser: Browser) => (browser.server.cookie = null)],
])("if %s, a login lasts as long as its token", async (_, arrange) => {
  const browser = new Browser();
  let now = Date.now();
  browser.server.now = () => now;
  const { auth, changes } = await browser.loggedIn("jeju", { now: () => now });
  arrange(browser);
  now += 95_000;
  for (const _ of [1, 2, 3]) expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  expect(browser.server.count("/api/auth/refresh"), "asked once and never again").toBe(1);
  now += 6_000;
  await expect(auth.authenticatedFetch(DATA)).rejects.toMatchObject({ name: "SessionEndedError", code: "token_expired" });
  expect(changes.slice(1)).toEqual([ended("token_expired")]);
});

it("an exception in a subscriber does not stop the other subscribers", async () => {
  const browser = new Browser();
  const { auth, changes } = browser.tab();
  const heard: string[] = [];
  const reported: unknown[] = [];
  const queue = globalThis.queueMicrotask;
  // `fetch` uses `queueMicrotask` as well.
  const run = (work: () => void) => (): void => {
    try {
      work();
    } catch (error) {
      reported.push(error);
    }
  };
  vi.spyOn(globalThis, "queueMicrotask").mockImplementation((work) => queue(run(work)));
  auth.subscribe(() => {
    throw new Error("mine");
  });
  const stop = auth.subscribe(({ cause }) => heard.push(cause));
  await auth.login({ user_id: "jeju", password: "right" });
  stop();
  await auth.logout();
  expect(heard).toEqual(["login"]);
  expect(changes.map(({ cause }) => cause)).toEqual(["login", "logout"]);
  expect(reported).toMatchObject([{ message: "mine" }, { message: "mine" }]);
});
