// Writes the copy of the client that the axum example's page serves. `--check` writes nothing, and fails if that copy is
// not what the sources give. Works only inside the repository.

import { readFileSync, writeFileSync } from "node:fs";
import { at, bundle } from "./bundle.js";

const PAGE = at("../../../examples/axum/page/client.js");
const BANNER = "// Built from clients/typescript by `npm run page` there: do not change it here.";
const page = `${BANNER}\n${await bundle()}`;

if (process.argv.includes("--check")) {
  if (readFileSync(PAGE, "utf8") !== page) {
    console.error("examples/axum/page/client.js is out of date: run `npm run page` in clients/typescript");
    process.exit(1);
  }
  console.log("examples/axum/page/client.js is what the sources give");
} else {
  writeFileSync(PAGE, page);
}
