import { readFileSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";

const at = (path: string): URL => new URL(`../${path}`, import.meta.url);
const text = (path: string): string => readFileSync(at(path), "utf8");
const sources = readdirSync(at("src")).filter((name) => name !== "api.ts");

it("every file except the generated one has fewer than 400 lines", () => {
  const tests = readdirSync(at("tests"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  expect(sources.length).toBeGreaterThan(10);
  for (const path of [...sources.map((name) => `src/${name}`), ...tests.map((name) => `tests/${name}`)]) {
    expect(text(path).split("\n").length, path).toBeLessThan(400);
  }
});

it("the package has no runtime dependencies", () => {
  const named = JSON.parse(text("package.json")) as Record<string, unknown>;
  expect([named["dependencies"], named["peerDependencies"], named["optionalDependencies"]]).toEqual([undefined, undefined, undefined]);
  for (const name of sources) {
    for (const [, from] of text(`src/${name}`).matchAll(/from "([^"]+)"/g)) expect(from, name).toMatch(/^\.\/\w+\.js$/);
  }
});

it("the sources use no storage, no cookies and no log", () => {
  for (const name of sources) {
    expect(text(`src/${name}`), name).not.toMatch(/localStorage|sessionStorage|indexedDB|document\.cookie|console\./);
  }
});
