// Builds dist/ and the copy that the example page serves. `--check` writes nothing, and fails if that copy is not what
// the sources give.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const PAGE = at("../../../examples/axum/page/client.js");
const BANNER = "// Built from clients/typescript by `npm run build` there: do not change it here.";

const { outputFiles } = await build({
  absWorkingDir: at(".."),
  entryPoints: ["src/index.ts"],
  bundle: true,
  write: false,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
});
const script = outputFiles[0].text;
const page = `${BANNER}\n${script}`;

if (process.argv.includes("--check")) {
  if (readFileSync(PAGE, "utf8") !== page) {
    console.error("examples/axum/page/client.js is not what the sources give: run `npm run build` in clients/typescript");
    process.exit(1);
  }
  console.log("examples/axum/page/client.js is what the sources give");
} else {
  rmSync(at("../dist"), { recursive: true, force: true });
  mkdirSync(at("../dist"));
  writeFileSync(at("../dist/index.js"), script);
  writeFileSync(PAGE, page);
  for (const license of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(at(`../../../${license}`), at(`../${license}`));
  execFileSync(process.execPath, [at("../node_modules/typescript/bin/tsc"), "-p", at("../tsconfig.json")], { stdio: "inherit" });
}
