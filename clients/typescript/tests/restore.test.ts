import { describe, expect, it } from "vitest";
import { ApiError, NetworkError } from "../src/index.js";
import { Browser, DATA, settled } from "./support/browser.js";
import { refusal } from "./support/server.js";

/** Returns a browser that was logged in before its tab was reloaded. */
async function afterReload(): Promise<Browser> {
  const browser = new Browser();
  const { auth } = await browser.loggedIn();
  auth.close();
  browser.server.seen.length = 0;
  return browser;
}

describe("restore", () => {
  it("takes over the browser's login by one refresh", async () => {
    const browser = await afterReload();
    const { auth, changes } = browser.tab();
    // A page need not wait for `restore` before it sends a request.
    const [restored, again, answer] = await Promise.all([auth.restore(), auth.restore(), auth.authenticatedFetch(DATA)]);
    expect([restored, again, answer.status]).toEqual([true, true, 200]);
    expect(browser.server.seen.map(({ path }) => path)).toEqual(["/api/auth/refresh", "/api/data"]);
    expect(changes).toEqual([{ loggedIn: true, cause: "restore", elsewhere: false, error: null }]);
  });

  it("takes over the login of another tab without a request to the server", async () => {
    const browser = new Browser();
    await browser.loggedIn();
    const { auth, changes } = browser.tab();
    expect(await auth.restore()).toBe(true);
    expect(auth.userId).toBe("jeju");
    expect(changes).toEqual([{ loggedIn: true, cause: "restore", elsewhere: true, error: null }]);
    expect(browser.server.count("/api/auth/refresh")).toBe(0);
  });

  it("needs one refresh if all tabs of a browser are reloaded at the same time", async () => {
    const browser = await afterReload();
    const tabs = Array.from({ length: 5 }, () => browser.tab());
    expect(await Promise.all(tabs.map(({ auth }) => auth.restore()))).toEqual(Array(5).fill(true));
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
    expect(tabs.map(({ changes }) => changes.length)).toEqual(Array(5).fill(1));
  });

  it("is false and notifies no subscriber if no user was logged in", async () => {
    const browser = new Browser();
    const { auth, changes } = browser.tab();
    expect(await auth.restore()).toBe(false);
    browser.server.refreshMounted = false;
    expect(await auth.restore()).toBe(false);
    browser.server.refreshMounted = true;
    browser.server.cookie = "garbage";
    expect(await browser.tab().auth.restore()).toBe(false);
    expect(changes).toEqual([]);
  });

  it("is true after a later login", async () => {
    const browser = new Browser();
    const { auth } = browser.tab();
    expect(await auth.restore()).toBe(false);
    await auth.login({ user_id: "jeju", password: "right" });
    browser.server.expireTokens();
    expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
    expect(await auth.restore()).toBe(true);
  });

  it.each([
    ["session_revoked", "admin"],
    ["session_expired", null],
  ])("reports why the session is over: %s %s", async (code, reason) => {
    const browser = await afterReload();
    browser.server.once("POST /api/auth/refresh", refusal(401, code, reason ? { reason } : {}));
    const { auth, changes } = browser.tab();
    expect(await auth.restore()).toBe(false);
    expect(changes).toMatchObject([{ loggedIn: false, cause: "ended", error: { code, reason } }]);
  });

  it("rejects if the server does not answer, and can be repeated", async () => {
    const browser = await afterReload();
    const { auth } = browser.tab();
    browser.server.once("POST /api/auth/refresh", refusal(503, "store_unavailable"));
    await expect(auth.restore()).rejects.toThrow(ApiError);
    for (const _ of [1, 2]) browser.server.once("POST /api/auth/refresh", new TypeError("failed to fetch"));
    await expect(auth.restore()).rejects.toThrow(NetworkError);
    expect(await auth.restore()).toBe(true);
  });

  it("is replaced by a login that happens meanwhile", async () => {
    const browser = await afterReload();
    const { auth, changes } = browser.tab();
    const letGo = browser.server.hold("POST /api/auth/refresh");
    const restored = auth.restore();
    await settled(150);
    const login = auth.login({ user_id: "user", password: "right" });
    letGo();
    await login;
    expect(await restored).toBe(true);
    expect(auth.userId).toBe("user");
    expect(changes.at(-1)).toMatchObject({ cause: "login" });
  });

  it("is undone by a logout that happens meanwhile", async () => {
    const browser = await afterReload();
    const { auth } = browser.tab();
    const letGo = browser.server.hold("POST /api/auth/refresh");
    const restored = auth.restore();
    await settled(150);
    const left = auth.logout();
    letGo();
    await left;
    expect(await restored).toBe(false);
    expect(auth.loggedIn).toBe(false);
    expect(browser.server.sessions.get("s1-jeju")?.ended).toBe("logout");
  });
});

describe("with body delivery", () => {
  const body = async (): Promise<Browser> => {
    const browser = new Browser();
    browser.server.bodyDelivery = true;
    return browser;
  };

  it("the refresh token is sent in the body, and the next one is kept", async () => {
    const browser = await body();
    const { auth } = await browser.loggedIn("jeju", { refresh: "body" });
    for (const _ of [1, 2]) {
      browser.server.expireTokens();
      expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
    }
    const refreshes = browser.server.seen.filter(({ path }) => path === "/api/auth/refresh");
    expect(refreshes.map(({ body, token }) => [body, token])).toEqual(Array(2).fill(['{"refresh_token":"s1-jeju"}', null]));
    await auth.logout();
    expect(browser.server.seen.at(-1)?.body).toBe('{"refresh_token":"s1-jeju"}');
    expect(browser.server.sessions.get("s1-jeju")?.ended).toBe("logout");
  });

  it("other tabs receive nothing, and there is nothing to restore", async () => {
    const browser = await body();
    const b = browser.tab({ refresh: "body" });
    await browser.loggedIn("jeju", { refresh: "body" });
    await settled();
    expect(b.changes).toEqual([]);
    expect(await b.auth.restore()).toBe(false);
    expect(browser.channels.sent).toEqual([]);
    expect(browser.server.count("/api/auth/refresh")).toBe(0);
  });
});
