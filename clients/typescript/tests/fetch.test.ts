import { describe, expect, it } from "vitest";
import { BodyNotReplayableError, ForeignOriginError, NotLoggedInError } from "../src/index.js";
import { Browser, DATA } from "./support/browser.js";
import { ok, refusal } from "./support/server.js";

describe("authenticatedFetch", () => {
  it("sends the access token and the caller's method, headers and body", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    const response = await auth.authenticatedFetch(DATA, { method: "POST", headers: { "x-mine": "1" }, body: "text" });
    expect(await response.json()).toEqual({ hello: "jeju", body: "text" });
    const seen = browser.server.seen.at(-1);
    expect(seen?.token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(new Headers(seen?.init.headers).get("x-mine")).toBe("1");
  });

  it("sends nothing if no user is logged in", async () => {
    const browser = new Browser();
    await expect(browser.tab().auth.authenticatedFetch(DATA)).rejects.toThrow(NotLoggedInError);
    expect(browser.server.seen).toEqual([]);
  });

  it("refreshes once after token_expired and sends the same request again", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    const first = browser.server.seen.length;
    browser.server.expireTokens();
    const response = await auth.authenticatedFetch(DATA, { method: "PUT", body: new Blob(["text"]) });
    expect(await response.json()).toEqual({ hello: "jeju", body: "text" });
    expect(browser.server.seen.slice(first).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PUT /api/data",
      "POST /api/auth/refresh",
      "PUT /api/data",
    ]);
  });

  it("shares one refresh between all requests that need one", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    browser.server.expireTokens();
    const answers = await Promise.all(Array.from({ length: 10 }, () => auth.authenticatedFetch(DATA)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
  });

  it("refreshes in the last tenth of the token's lifetime and not before", async () => {
    let now = 1_000_000;
    const browser = new Browser();
    browser.server.now = () => now;
    const { auth } = await browser.loggedIn("jeju", { now: () => now });
    // A tenth of 100 s is less than the default of 30 s.
    now += 89_000;
    await auth.authenticatedFetch(DATA);
    expect(browser.server.count("/api/auth/refresh")).toBe(0);
    now += 1_001;
    await auth.authenticatedFetch(DATA);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
    expect(browser.server.count("/api/data")).toBe(2);
  });

  it("sends a Request with a body twice if necessary", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    browser.server.expireTokens();
    const request = new Request(DATA, { method: "POST", body: "text", headers: { "x-mine": "1" } });
    const response = await auth.authenticatedFetch(request);
    expect(await response.json()).toEqual({ hello: "jeju", body: "text" });
    expect(browser.server.count("/api/data")).toBe(2);
  });

  it("sends a Request whose body is in init with the type of that body", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    browser.server.expireTokens();
    const form = new FormData();
    form.set("name", "value");
    const request = new Request(DATA, { method: "POST", headers: { "x-mine": "1" } });
    expect((await auth.authenticatedFetch(request, { body: form })).status).toBe(200);
    const sent = browser.server.seen.filter(({ path }) => path === "/api/data");
    expect(sent.length).toBe(2);
    for (const { body, type } of sent) {
      expect(type).toMatch(/^multipart\/form-data; *boundary=/);
      const read = await new Response(body, { headers: { "content-type": type ?? "" } }).formData();
      expect([...read]).toEqual([["name", "value"]]);
    }
    const json = { headers: { "content-type": "application/json" }, body: "{}" };
    await auth.authenticatedFetch(new Request(DATA, { method: "POST" }), json);
    expect(browser.server.seen.at(-1)?.type, "what the caller says comes first").toBe("application/json");
  });

  it("does not send a stream twice and reports this after the refresh", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    const stream = (): ReadableStream => new Blob(["text"]).stream();
    browser.server.expireTokens();
    await expect(auth.authenticatedFetch(DATA, { method: "POST", body: stream() })).rejects.toThrow(BodyNotReplayableError);
    expect(browser.server.count("/api/data")).toBe(1);
    const response = await auth.authenticatedFetch(DATA, { method: "POST", body: stream() });
    expect(await response.json()).toEqual({ hello: "jeju", body: "text" });
  });

  it("returns error responses that do not concern the login, with their bodies", async () => {
    const browser = new Browser();
    const { auth, changes } = await browser.loggedIn();
    for (const answer of [
      refusal(401, "insufficient_user_authentication"),
      refusal(403, "insufficient_scope"),
      refusal(429, "rate_limited"),
      refusal(503, "store_unavailable"),
      { status: 401, body: "a proxy's" },
    ]) {
      browser.server.once("GET /api/data", answer);
      const response = await auth.authenticatedFetch(DATA);
      expect([response.status, await response.json()]).toEqual([answer.status, answer.body]);
    }
    expect(changes.map(({ cause }) => cause)).toEqual(["login"]);
    expect(browser.server.count("/api/auth/refresh")).toBe(0);
  });

  it("stops waiting for a refresh if its caller aborts, without aborting the refresh", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    browser.server.expireTokens();
    const letGo = browser.server.hold("POST /api/auth/refresh");
    const controller = new AbortController();
    const impatient = auth.authenticatedFetch(DATA, { signal: controller.signal });
    const patient = auth.authenticatedFetch(DATA);
    setTimeout(() => controller.abort(), 5);
    await expect(impatient).rejects.toThrow(/abort/i);
    letGo();
    expect((await patient).status).toBe(200);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
  });

  it("refreshes only once if the new token is refused as expired too", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    for (const _ of [1, 2]) browser.server.once("GET /api/data", refusal(401, "token_expired"));
    expect((await auth.authenticatedFetch(DATA)).status).toBe(401);
    expect(browser.server.count("/api/auth/refresh")).toBe(1);
    expect(auth.loggedIn).toBe(true);
  });
});

describe("other origins", () => {
  it.each([
    "https://evil.example/api/data",
    "http://app.example/api/data",
    "https://app.example:8443/api/data",
    "https://app.example@evil.example/",
    "//evil.example/",
    "\\\\evil.example/",
    "https://app.example.evil.example/",
    "data:text/plain,1",
    "blob:https://app.example/1",
    "file:///etc/passwd",
  ])("%s never receives the token", async (address) => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    const before = browser.server.seen.length;
    await expect(auth.authenticatedFetch(address)).rejects.toThrow(ForeignOriginError);
    const request = address.startsWith("https:") && !address.includes("@") ? new Request(address) : new URL(address, DATA);
    await expect(auth.authenticatedFetch(request)).rejects.toThrow(ForeignOriginError);
    expect(browser.server.seen.length).toBe(before);
  });

  it("receive the token if listed, and cannot end the login with invalid_token", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn("jeju", { origins: ["https://data.example"] });
    const other = "https://data.example/api/data";
    expect((await auth.authenticatedFetch(other)).status).toBe(200);
    for (const _ of [1, 2]) browser.server.once("GET /api/data", refusal(401, "invalid_token"));
    expect((await auth.authenticatedFetch(other)).status).toBe(401);
    expect(auth.loggedIn).toBe(true);
  });

  it("are not reached by a redirect unless the caller allows it", async () => {
    const browser = new Browser();
    const { auth } = await browser.loggedIn();
    await auth.authenticatedFetch(DATA);
    expect(browser.server.seen.at(-1)?.init.redirect).toBe("error");
    await auth.authenticatedFetch(DATA, { redirect: "manual" });
    expect(browser.server.seen.at(-1)?.init.redirect).toBe("manual");
  });

  it("are refused as options if they are not web origins", () => {
    const browser = new Browser();
    for (const origin of ["*", "data.example", "null", "file:///"]) {
      expect(() => browser.tab({ origins: [origin] }), origin).toThrow(TypeError);
    }
    for (const baseUrl of ["/api/auth", "ftp://app.example/", ""]) {
      expect(() => browser.tab({ baseUrl }), baseUrl).toThrow(TypeError);
    }
  });
});

it("a response for an earlier login is discarded", async () => {
  const browser = new Browser();
  const { auth } = await browser.loggedIn();
  const letGo = browser.server.hold("GET /api/data");
  const asked = auth.authenticatedFetch(DATA);
  await auth.logout();
  await auth.login({ user_id: "user", password: "right" });
  letGo();
  await expect(asked).rejects.toMatchObject({ code: "superseded" });
  browser.server.once("GET /api/data", ok({}));
  expect((await auth.authenticatedFetch(DATA)).status).toBe(200);
});
