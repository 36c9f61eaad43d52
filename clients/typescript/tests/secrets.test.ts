import { inspect } from "node:util";
import { expect, it, vi } from "vitest";
import { AuthService } from "../src/index.js";
import { Browser, DATA } from "./support/browser.js";
import { refusal } from "./support/server.js";

/** A storage that records what is stored. */
class Storage {
  readonly kept: string[] = [];
  setItem(name: string, value: string): void {
    this.kept.push(`${name}=${value}`);
  }
  getItem(): null {
    return null;
  }
}

it("no token appears in storage, URLs, logs, errors, events or the printed service", async () => {
  const storages = [new Storage(), new Storage()];
  vi.stubGlobal("localStorage", storages[0]);
  vi.stubGlobal("sessionStorage", storages[1]);
  const logged = (["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name));
  const told: unknown[] = [];
  const browser = new Browser();
  browser.server.bodyDelivery = true;
  const { auth, changes } = browser.tab({ refresh: "body" });
  auth.subscribe((change) => told.push(change));
  await auth.login({ user_id: "jeju", password: "right" });
  browser.server.expireTokens();
  await auth.authenticatedFetch(DATA);
  for (const answer of [refusal(503, "overloaded"), refusal(401, "session_revoked", { reason: "admin" })]) {
    browser.server.expireTokens();
    browser.server.once("POST /api/auth/refresh", answer);
    told.push(await auth.getMe().catch((error: unknown) => error));
  }
  await auth.login({ user_id: "jeju", password: "right" });
  const shown = [auth, changes, told, inspect(auth, { depth: 9, showHidden: true }), inspect(told, { depth: 9 })];
  const text = [...shown.map((one) => JSON.stringify(one)), ...shown.map(String), ...browser.server.seen.map(({ url }) => url)].join("\n");
  const tokens = browser.server.seen.map(({ token }) => token).filter((token) => token !== null);
  expect(new Set(tokens).size).toBeGreaterThan(1);
  for (const secret of [...tokens, "s1-jeju", "s2-jeju", "right"]) expect(text).not.toContain(secret);
  for (const spy of logged) expect(spy).not.toHaveBeenCalled();
  expect(storages.flatMap(({ kept }) => kept)).toEqual([]);
  vi.unstubAllGlobals();
});

it("other tabs receive access tokens only", async () => {
  const browser = new Browser();
  await browser.loggedIn();
  browser.server.expireTokens();
  expect(browser.channels.sent.map((message) => Object.keys(message as object).sort())).toEqual([
    ["expiresAt", "lifetime", "token", "type", "v", "why"],
  ]);
});

it("requests have the configured credentials, no cache, no redirect and no referrer", async () => {
  const browser = new Browser();
  for (const [credentials, expected] of [
    [undefined, "same-origin"],
    ["include", "include"],
  ] as const) {
    browser.server.seen.length = 0;
    const { auth } = await browser.loggedIn("jeju", credentials ? { credentials } : {});
    browser.server.expireTokens();
    await auth.getMe();
    await auth.logout();
    for (const { init, url } of browser.server.seen) {
      expect(init.credentials, url).toBe(expected);
      expect([init.cache, init.redirect, init.referrerPolicy], url).toEqual(["no-store", "error", "no-referrer"]);
    }
  }
});

it("works without a browser, where there are no tabs to share with", async () => {
  const browser = new Browser();
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.stubGlobal("navigator", undefined);
  const auth = new AuthService({ baseUrl: "https://app.example/api/auth", fetch: browser.server.fetch });
  await auth.login({ user_id: "jeju", password: "right" });
  browser.server.expireTokens();
  const answers = await Promise.all([1, 2, 3].map(() => auth.authenticatedFetch(DATA)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(browser.server.count("/api/auth/refresh")).toBe(1);
  vi.unstubAllGlobals();
});
