// Writes the pages that are made from the code: docs/errors.md and docs/cli.md.
import { writeFileSync } from "node:fs";
import { cliPage } from "./docs/cli-page.ts";
import { errorsPage } from "./docs/errors-page.ts";

writeFileSync("docs/errors.md", errorsPage());
writeFileSync("docs/cli.md", cliPage());
