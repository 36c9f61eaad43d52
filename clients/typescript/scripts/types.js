// Generates src/api.ts from openapi.json. `--check` writes nothing and fails if the file differs
// from what openapi.json generates.

import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const TYPES = new URL("../src/api.ts", import.meta.url);
const BANNER = "// Written from openapi.json by `npm run types`: do not change it here.\n\n";

const document = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8"));
const types = BANNER + astToString(await openapiTS(document, { alphabetize: true }));

if (process.argv.includes("--check")) {
  if (readFileSync(TYPES, "utf8") !== types) {
    console.error("src/api.ts is not what openapi.json gives: run `npm run types` in clients/typescript");
    process.exit(1);
  }
  console.log("src/api.ts is what openapi.json gives");
} else {
  writeFileSync(TYPES, types);
}
