// Writes the pages that are made from the code and from test results: docs/errors.md, docs/cli.md, docs/compatibility.md and docs/fidelity.md.
import { writeFileSync } from "node:fs";
import { cliPage } from "./docs/cli-page.ts";
import { compatibilityPage } from "./docs/compatibility-page.ts";
import { errorsPage } from "./docs/errors-page.ts";
import { fidelityPage } from "./docs/fidelity-page.ts";

writeFileSync("docs/errors.md", errorsPage());
writeFileSync("docs/cli.md", cliPage());
writeFileSync("docs/compatibility.md", compatibilityPage());
writeFileSync("docs/fidelity.md", fidelityPage());
