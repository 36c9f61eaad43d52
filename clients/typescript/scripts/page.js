// Writes the copy of the client for the page of the axum example. `--check` writes nothing and
// fails if the copy differs from the bundle of the sources. Works only inside the repository.

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
