import { describe, expect, it } from "vitest";
import type { AuthError } from "../src/index.js";
import { Browser, DATA, settled, until } from "./support/browser.js";
import { refusal, tokenOf } from "./support/server.js";

const causes = (changes: readonly { cause: string; elsewhere: boolean }[]): string[] =>
  changes.map(({ cause, elsewhere }) => (elsewhere ? `${cause} elsewhere` : cause));

/** Returns the status of a response, or the code of its error. */
const outcome = (asked: PromiseSettledResult<Response>): unknown =>
  asked.status === "fulfilled" ? asked.value.status : (asked.reason as AuthError).code;

/** Opens two tabs with one login. */
async function twoTabs(): Promise<{ browser: Browser; a: Awaited<ReturnType<Browser["loggedIn"]>>; b: ReturnType<Browser["tab"]> }> {
  const browser = new Browser();
  const b = browser.tab();
  const a = await browser.loggedIn();
  await settled();
  expect(causes(b.changes)).toEqual(["login elsewhere"]);
  return { browser, a, b };
}

describe("refreshes", () => {
  it("happen once for all tabs and requests", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    const asked = [a, b].flatMap(({ auth }) => Array.from({ length: 10 }, () => auth.authenticatedFetch(DATA)));
    for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
    expect(browser.server.count("/api/data")).toBe(40);
  });

  it("happen once if the message of the new token arrives after the lock is released", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    const letGo = browser.server.hold("POST /api/auth/refresh");
    const first = a.auth.authenticatedFetch(DATA);
    await until(() => browser.server.count("/api/auth/refresh") === 1);
    const second = b.auth.authenticatedFetch(DATA);
    await settled();
    browser.channels.sleep();
    letGo();
    await first;
    // Longer than the lock is kept after the message is sent.
    await settled(100);
    browser.channels.wake();
    expect((await second).status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
  });

  it("happen once if a tab needs the token before the message of a refresh arrives", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    browser.channels.sleep();
    await a.auth.authenticatedFetch(DATA);
    const late = b.auth.authenticatedFetch(DATA);
    setTimeout(() => browser.channels.wake(), 20);
    expect((await late).status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
  });

  it("happen once per tab if the browser has no locks, and log out no tab", async () => {
    const browser = new Browser();
    const a = await browser.loggedIn("jeju", { locks: null, channel: null });
    const b = browser.tab({ locks: null, channel: null });
    expect(await b.auth.restore()).toBe(true);
    browser.server.seen.length = 0;
    browser.server.expireTokens();
    const asked = [a, b].flatMap(({ auth }) => Array.from({ length: 10 }, () => auth.authenticatedFetch(DATA)));
    for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(2);
    expect(causes([...a.changes, ...b.changes])).toEqual(["login", "restore"]);
  });

  it("happen once if the clock was set back after the login", async () => {
    let back = 0;
    const now = (): number => Date.now() - back;
    const browser = new Browser();
    const b = browser.tab({ now });
    const a = await browser.loggedIn("jeju", { now });
    await settled();
    back = 3_600_000;
    browser.server.expireTokens();
    const asked = [a, b].flatMap(({ auth }) => [auth.authenticatedFetch(DATA), auth.authenticatedFetch(DATA)]);
    for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
  });

  it("are not undone by an older token from another tab", async () => {
    const { browser, a } = await twoTabs();
    const token = tokenOf("jeju", "s1-jeju", 0, 1);
    const channel = browser.channels.open("tower-session-auth https://app.example/api/auth");
    for (const why of ["refresh", "answer"]) {
      channel.postMessage({ v: 1, type: "token", token, why, expiresAt: Date.now() + 1e9, lifetime: 1e9 });
    }
    await settled();
    await a.auth.authenticatedFetch(DATA);
    expect(browser.server.seen.at(-1)?.token).not.toBe(token);
  });

  it("do not wait forever for a lock that is never released", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn("jeju", { timeout: 50 });
    void browser.locks.request("tower-session-auth https://app.example/api/auth", {}, () => new Promise(() => {}));
    browser.server.expireTokens();
    expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  });

  it("work if locks are forbidden", async () => {
    const browser = new Browser();
    const locks = { request: (): Promise<never> => Promise.reject(new DOMException("no", "SecurityError")) };
    const { auth } = await browser.loggedIn("jeju", { locks });
    browser.server.expireTokens();
    expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  });

  it("that fail do not delay other tabs", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    for (const _ of [1, 2]) browser.server.once("POST /api/auth/refresh", new TypeError("failed to fetch"));
    const asked = await Promise.allSettled([a, b].map(({ auth }) => auth.authenticatedFetch(DATA)));
    expect(asked.map(outcome)).toEqual(["unreachable", 200]);
    expect(causes([...a.changes, ...b.changes])).toEqual(["login", "login elsewhere"]);
  });

  it("that fail temporarily log out no tab, even if two tabs hold the refused token", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.forgetTokens();
    browser.server.once("POST /api/auth/refresh", refusal(503, "store_unavailable", {}, { "retry-after": "1" }));
    const asked = await Promise.allSettled([a, b].map(({ auth }) => auth.authenticatedFetch(DATA)));
    expect(asked.map(outcome)).toEqual(["store_unavailable", 200]);
    await settled();
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([true, true]);
    expect(causes([...a.changes, ...b.changes])).toEqual(["login", "login elsewhere"]);
    const tokens = browser.server.seen.filter(({ path }) => path === "/api/data").map(({ token }) => token);
    expect(tokens.length, "the refused token is sent once by each tab").toBe(3);
    expect(new Set(tokens).size).toBe(2);
  });

  it("that fail temporarily leave a valid token usable, even if a tab sends it again", async () => {
    const browser = new Browser();
    let now = Date.now();
    const { auth } = await browser.loggedIn("jeju", { now: () => now });
    browser.server.now = () => now;
    await auth.authenticatedFetch(DATA);
    const token = browser.server.seen.at(-1)?.token;
    now += 95_000;
    const letGo = browser.server.hold("POST /api/auth/refresh");
    browser.server.once("POST /api/auth/refresh", refusal(503, "store_unavailable"));
    const asked = auth.authenticatedFetch(DATA);
    await until(() => browser.server.count("/api/auth/refresh") === 1);
    const channel = browser.channels.open("tower-session-auth https://app.example/api/auth");
    channel.postMessage({ v: 1, type: "token", token, why: "answer", expiresAt: now + 5000, lifetime: 100_000 });
    await settled();
    letGo();
    expect((await asked).status).toBe(200);
  });
});

describe("the end of a login", () => {
  it("reaches all tabs after a logout", async () => {
    const { a, b } = await twoTabs();
    await b.auth.logout();
    await settled();
    expect(causes(a.changes)).toEqual(["login", "logout elsewhere"]);
    expect(causes(b.changes)).toEqual(["login elsewhere", "logout"]);
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([false, false]);
  });

  it("reaches all tabs after a logout from all sessions", async () => {
    const { a, b } = await twoTabs();
    await a.auth.logoutAll();
    await settled();
    expect(causes(b.changes)).toEqual(["login elsewhere", "logout_all elsewhere"]);
  });

  it("reaches all tabs with the reason after a revocation by an administrator", async () => {
    const { browser, a, b } = await twoTabs();
    for (const session of browser.server.sessions.values()) session.ended = "admin";
    await expect(a.auth.getMe()).rejects.toMatchObject({ code: "session_revoked" });
    await settled();
    for (const { changes } of [a, b]) {
      expect(changes.at(-1)).toMatchObject({ cause: "ended", error: { name: "SessionEndedError", code: "session_revoked", reason: "admin" } });
    }
    expect([a.changes.at(-1)?.elsewhere, b.changes.at(-1)?.elsewhere]).toEqual([false, true]);
  });

  it("reaches both tabs if one logs out while the other refreshes", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    const letGo = browser.server.hold("POST /api/auth/refresh");
    const asked = a.auth.authenticatedFetch(DATA);
    await until(() => browser.server.count("/api/auth/refresh") === 1);
    const left = b.auth.logout();
    letGo();
    await left;
    await asked.catch(() => {});
    await settled();
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([false, false]);
    expect(browser.server.cookie).toBe(null);
  });

  it("discards another tab's late refresh if there are no locks", async () => {
    const browser = new Browser();
    const b = browser.tab({ locks: null });
    const a = await browser.loggedIn("jeju", { locks: null });
    await settled();
    browser.server.expireTokens();
    const letGo = browser.server.hold("POST /api/auth/refresh");
    const asked = expect(a.auth.authenticatedFetch(DATA)).rejects.toMatchObject({ code: "superseded" });
    await until(() => browser.server.count("/api/auth/refresh") === 1);
    await b.auth.logout();
    await until(() => !a.auth.loggedIn);
    letGo();
    await asked;
    await settled();
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([false, false]);
    expect(causes(a.changes)).toEqual(["login", "logout elsewhere"]);
  });

  it("is not undone by a late message of a refresh", async () => {
    const { browser, a, b } = await twoTabs();
    browser.channels.sleep();
    browser.server.expireTokens();
    await a.auth.authenticatedFetch(DATA);
    await b.auth.logout();
    browser.channels.wake();
    await settled();
    expect(b.auth.loggedIn).toBe(false);
    expect(a.auth.loggedIn).toBe(false);
  });

  it("is not undone by a late message of its login", async () => {
    const browser = new Browser();
    const b = browser.tab();
    browser.channels.sleep();
    const a = await browser.loggedIn();
    expect(await b.auth.restore()).toBe(true);
    await b.auth.logout();
    browser.channels.wake();
    await settled();
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([false, false]);
  });
});

describe("two users in one browser", () => {
  it("the first user's tab is notified and never acts as the second user", async () => {
    const { browser, a, b } = await twoTabs();
    const letGo = browser.server.hold("GET /api/data");
    const asked = b.auth.authenticatedFetch(DATA);
    await until(() => browser.server.count("/api/data") === 1);
    await a.auth.login({ user_id: "user", password: "right" });
    await settled();
    expect(causes(b.changes)).toEqual(["login elsewhere", "replaced elsewhere"]);
    letGo();
    await expect(asked).rejects.toMatchObject({ code: "superseded" });
    expect([a.auth.userId, b.auth.userId]).toEqual(["user", null]);
    // A refresh of the second user does not log that user in here either.
    browser.server.expireTokens();
    await a.auth.authenticatedFetch("https://app.example/other");
    await settled();
    expect(causes(b.changes).length).toBe(2);
    await expect(b.auth.authenticatedFetch(DATA)).rejects.toMatchObject({ code: "not_logged_in" });
  });

  it("a tab that received no message notices the other user at its next refresh", async () => {
    const browser = new Browser();
    const a = await browser.loggedIn("jeju", { channel: null });
    await browser.loggedIn("user", { channel: null });
    browser.server.expireTokens();
    await expect(a.auth.authenticatedFetch(DATA)).rejects.toMatchObject({ code: "superseded" });
    expect(causes(a.changes)).toEqual(["login", "replaced elsewhere"]);
    const tokens = browser.server.seen.filter(({ path }) => path === "/api/data").map(({ token }) => token);
    expect(tokens.length, "nothing was sent as the other user").toBe(1);
  });

  it("a second login of the same user is taken over by all tabs", async () => {
    const { browser, a, b } = await twoTabs();
    await a.auth.login({ user_id: "jeju", password: "right" });
    await settled();
    await b.auth.logout();
    await settled();
    expect(browser.server.sessions.get("s2-jeju")?.ended).toBe("logout");
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([false, false]);
  });
});

it("tabs with another base URL do not share the login", async () => {
  const browser = new Browser();
  const other = browser.tab({ baseUrl: "https://app.example/auth" });
  await browser.loggedIn();
  await settled();
  expect(other.changes).toEqual([]);
});

it("invalid messages in the channel change nothing", async () => {
  const { browser, a } = await twoTabs();
  const channel = browser.channels.open("tower-session-auth https://app.example/api/auth");
  const token = tokenOf("user", "s9");
  for (const message of [
    null,
    1,
    "out",
    [],
    {},
    { v: 2, type: "out", how: "logout", identity: null, problem: null },
    { v: 1, type: "unheard-of" },
    { v: 1, type: "token" },
    { v: 1, type: "token", token, why: "answer", expiresAt: Date.now() + 1e6, lifetime: 1e6 },
    { v: 1, type: "out" },
  ]) {
    channel.postMessage(message);
  }
  await settled();
  expect(a.changes.length).toBe(1);
  expect(a.auth.userId).toBe("jeju");
});

it("a closed service receives no message of other tabs", async () => {
  const { a, b } = await twoTabs();
  b.auth.close();
  await a.auth.logout();
  await settled();
  expect(causes(b.changes)).toEqual(["login elsewhere"]);
});

it("works with a real BroadcastChannel", async () => {
  const browser = new Browser();
  const open = (name: string): BroadcastChannel => new BroadcastChannel(name);
  const b = browser.tab({ channel: open });
  const a = await browser.loggedIn("jeju", { channel: open });
  try {
    await until(() => b.auth.loggedIn);
    await a.auth.logout();
    await until(() => !b.auth.loggedIn);
  } finally {
    a.auth.close();
    b.auth.close();
  }
});
