// Builds dist/: the module and its type declarations. Reads and writes files of this package only.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { at, bundle } from "./bundle.js";

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const script = await bundle();
rmSync(at("../dist"), { recursive: true, force: true });
mkdirSync(at("../dist"));
writeFileSync(at("../dist/index.js"), script);
execFileSync(process.execPath, [tsc, "-p", at("../tsconfig.json")], { stdio: "inherit" });
