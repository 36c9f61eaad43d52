// Bundles src/ into one ES module, for dist/ and for the page of the axum example.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function bundle() {
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
  return outputFiles[0].text;
}
