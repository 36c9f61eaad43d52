import { describe, expect, it } from "vitest";
import type { AuthError } from "../src/index.js";
import { Browser, DATA, settled, until } from "./support/browser.js";
import { refusal, tokenOf } from "./support/server.js";

const causes = (changes: readonly { cause: string; elsewhere: boolean }[]): string[] =>
  changes.map(({ cause, elsewhere }) => (elsewhere ? `${cause} elsewhere` : cause));

/** The status of an answer, or the code of what there is instead. */
const outcome = (asked: PromiseSettledResult<Response>): unknown =>
  asked.status === "fulfilled" ? asked.value.status : (asked.reason as AuthError).code;

/** Two tabs of one login. */
async function twoTabs(): Promise<{ browser: Browser; a: Awaited<ReturnType<Browser["loggedIn"]>>; b: ReturnType<Browser["tab"]> }> {
  const browser = new Browser();
  const b = browser.tab();
  const a = await browser.loggedIn();
  await settled();
  expect(causes(b.changes)).toEqual(["login elsewhere"]);
  return { browser, a, b };
}

describe("refreshes", () => {
  it("are one over all tabs, however many ask", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    const asked = [a, b].flatMap(({ auth }) => Array.from({ length: 10 }, () => auth.authenticatedFetch(DATA)));
    for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
    expect(browser.server.count("/api/data")).toBe(40);
  });

  it("are one also when the news come later than the lock", async () => {
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
    // Longer than the lock is kept for them.
    await settled(100);
    browser.channels.wake();
    expect((await second).status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
  });

  it("are one also for a tab that needs one before the news have come, with nobody at it any more", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    browser.channels.sleep();
    await a.auth.authenticatedFetch(DATA);
    const late = b.auth.authenticatedFetch(DATA);
    setTimeout(() => browser.channels.wake(), 20);
    expect((await late).status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
  });

  it("are one in each tab where the browser has no locks, and nobody is logged out", async () => {
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

  it("are one also when the clock has been set back since the login", async () => {
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

  it("are not undone by an older token that a tab tells", async () => {
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

  it("do not wait for ever for a lock that is never given back", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn("jeju", { timeout: 50 });
    void browser.locks.request("tower-session-auth https://app.example/api/auth", {}, () => new Promise(() => {}));
    browser.server.expireTokens();
    expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  });

  it("go on where locks are forbidden", async () => {
    const browser = new Browser();
    const locks = { request: (): Promise<never> => Promise.reject(new DOMException("no", "SecurityError")) };
    const { auth } = await browser.loggedIn("jeju", { locks });
    browser.server.expireTokens();
    expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
  });

  it("that fail hold up no other tab", async () => {
    const { browser, a, b } = await twoTabs();
    browser.server.expireTokens();
    for (const _ of [1, 2]) browser.server.once("POST /api/auth/refresh", new TypeError("failed to fetch"));
    const asked = await Promise.allSettled([a, b].map(({ auth }) => auth.authenticatedFetch(DATA)));
    expect(asked.map(outcome)).toEqual(["unreachable", 200]);
    expect(causes([...a.changes, ...b.changes])).toEqual(["login", "login elsewhere"]);
  });

  it("that fail for now log nobody out by the refused token of another tab", async () => {
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

  it("that fail for now leave what is left of the token, though another tab tells the same one meanwhile", async () => {
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
  it("shows in all tabs: a logout", async () => {
    const { a, b } = await twoTabs();
    await b.auth.logout();
    await settled();
    expect(causes(a.changes)).toEqual(["login", "logout elsewhere"]);
    expect(causes(b.changes)).toEqual(["login elsewhere", "logout"]);
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([false, false]);
  });

  it("shows in all tabs: logging out everywhere", async () => {
    const { a, b } = await twoTabs();
    await a.auth.logoutAll();
    await settled();
    expect(causes(b.changes)).toEqual(["login elsewhere", "logout_all elsewhere"]);
  });

  it("shows in all tabs with its reason: an administrator's", async () => {
    const { browser, a, b } = await twoTabs();
    for (const session of browser.server.sessions.values()) session.ended = "admin";
    await expect(a.auth.getMe()).rejects.toMatchObject({ code: "session_revoked" });
    await settled();
    for (const { changes } of [a, b]) {
      expect(changes.at(-1)).toMatchObject({ cause: "ended", error: { name: "SessionEndedError", code: "session_revoked", reason: "admin" } });
    }
    expect([a.changes.at(-1)?.elsewhere, b.changes.at(-1)?.elsewhere]).toEqual([false, true]);
  });

  it("a logout while another tab refreshes: nobody is logged in afterwards", async () => {
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

  it("a logout that no lock keeps from crossing another tab's refresh: the late answer is nobody's", async () => {
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

  it("late news of a refresh do not undo it", async () => {
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

  it("late news of its login do not undo it either", async () => {
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
  it("the tab of the first is told that it was replaced, and never acts as the second", async () => {
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
    // Nor does a refresh of the second make it theirs.
    browser.server.expireTokens();
    await a.auth.authenticatedFetch("https://app.example/other");
    await settled();
    expect(causes(b.changes).length).toBe(2);
    await expect(b.auth.authenticatedFetch(DATA)).rejects.toMatchObject({ code: "not_logged_in" });
  });

  it("a tab that nobody told finds out by its refresh", async () => {
    const browser = new Browser();
    const a = await browser.loggedIn("jeju", { channel: null });
    await browser.loggedIn("user", { channel: null });
    browser.server.expireTokens();
    await expect(a.auth.authenticatedFetch(DATA)).rejects.toMatchObject({ code: "superseded" });
    expect(causes(a.changes)).toEqual(["login", "replaced elsewhere"]);
    const tokens = browser.server.seen.filter(({ path }) => path === "/api/data").map(({ token }) => token);
    expect(tokens.length, "nothing was sent as the other user").toBe(1);
  });

  it("the same user's next login is taken up by all tabs", async () => {
    const { browser, a, b } = await twoTabs();
    await a.auth.login({ user_id: "jeju", password: "right" });
    await settled();
    await b.auth.logout();
    await settled();
    expect(browser.server.sessions.get("s2-jeju")?.ended).toBe("logout");
    expect([a.auth.loggedIn, b.auth.loggedIn]).toEqual([false, false]);
  });
});

it("tabs of other auth routes are strangers", async () => {
  const browser = new Browser();
  const other = browser.tab({ baseUrl: "https://app.example/auth" });
  await browser.loggedIn();
  await settled();
  expect(other.changes).toEqual([]);
});

it("nonsense in the channel changes nothing", async () => {
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

it("a closed tab is told nothing and tells nothing", async () => {
  const { a, b } = await twoTabs();
  b.auth.close();
  await a.auth.logout();
  await settled();
  expect(causes(b.changes)).toEqual(["login elsewhere"]);
});

it("works with the channels of the real thing", async () => {
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
