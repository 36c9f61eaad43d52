// Tests the package as a user gets it: packed outside of this repository, and installed from the
// packed file into an empty project.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, it } from "vitest";

const HANG_GUARD = 300_000;
const source = fileURLToPath(new URL("..", import.meta.url));
const outside = mkdtempSync(join(tmpdir(), "tower-session-auth-client-"));
const copy = join(outside, "package");
const project = join(outside, "project");
let packed: string;

// Asynchronous, because vitest regards a worker that blocks for a minute as dead.
async function run(command: string, args: string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { cwd })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")} failed:
${stdout ?? ""}
${stderr ?? ""}`);
  }
}

/** Copies all files except those of a build or an install, and links this package's tools. */
function copyOf(folder: string): void {
  const made = new Set(["node_modules", "dist"].map((name) => join(source, name)));
  cpSync(source, folder, { recursive: true, filter: (path) => !made.has(path) && !path.endsWith(".tgz") });
  symlinkSync(join(source, "node_modules"), join(folder, "node_modules"));
}

async function emptyProject(dependency: string): Promise<void> {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", dependency], project);
}

beforeAll(async () => {
  copyOf(copy);
  await run("npm", ["pack", "--pack-destination", outside], copy);
  const [name] = readdirSync(outside).filter((entry) => entry.endsWith(".tgz"));
  packed = join(outside, name ?? "");
}, HANG_GUARD);

afterAll(() => rmSync(outside, { recursive: true, force: true }));

it("the packed file contains only the module, its types, the README and the licenses", async () => {
  const listing = await run("tar", ["-tzf", packed], outside);
  const names = listing.trim().split("\n").map((name) => name.replace("package/", ""));
  const types = readdirSync(join(source, "src")).map((name) => `dist/${name.replace(".ts", ".d.ts")}`);
  const whole = ["package.json", "README.md", "LICENSE-APACHE", "LICENSE-MIT", "dist/index.js", ...types];
  expect(names.sort()).toEqual(whole.sort());
}, HANG_GUARD);

it("publint finds no problem in the packed file", async () => {
  const tarball = readFileSync(packed);
  const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) as ArrayBuffer;
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
}, HANG_GUARD);

const USE = `import { AuthService, SessionEndedError, type AuthChange } from "tower-session-auth-client";

export const auth: AuthService = new AuthService({ baseUrl: "/api/auth" });
export const ended = (error: unknown): boolean => error instanceof SessionEndedError;
auth.subscribe((state: AuthChange) => void state.loggedIn);
`;

async function compile(settings: Record<string, string>, file: string): Promise<void> {
  writeFileSync(join(project, "use.ts"), USE);
  writeFileSync(join(project, "wrong.ts"), `${USE}auth.noSuchMethod();\n`);
  const compilerOptions = { strict: true, noEmit: true, target: "ES2022", lib: ["ES2022", "DOM"], types: [], ...settings };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
  await run(process.execPath, [join(source, "node_modules/typescript/bin/tsc"), "-p", project], project);
}

const IMPORT = 'import { AuthService } from "tower-session-auth-client"; console.log(typeof AuthService);';

it.each([
  ["the packed file", () => packed],
  ["the folder, as a `file:` dependency", () => {
    // npm must build it, because a fresh checkout has no dist/.
    rmSync(join(copy, "dist"), { recursive: true });
    return `file:${copy}`;
  }],
])("an empty project installs %s, runs it and compiles against it", async (_, dependency) => {
  await emptyProject(dependency());
  const ran = await run(process.execPath, ["--input-type=module", "--eval", IMPORT], project);
  expect(ran.trim()).toBe("function");
  await compile({ module: "ES2022", moduleResolution: "bundler" }, "use.ts");
  await compile({ module: "NodeNext", moduleResolution: "NodeNext" }, "use.ts");
  // An error in the code is found, so the compiler does use the package's types.
  const wrong = compile({ module: "NodeNext", moduleResolution: "NodeNext" }, "wrong.ts");
  await expect(wrong).rejects.toThrow("noSuchMethod");
}, HANG_GUARD);

it("the licenses equal those of the repository", () => {
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    expect(readFileSync(join(source, name), "utf8")).toBe(readFileSync(join(source, "../..", name), "utf8"));
  }
});
