// Writes src/host/criu/proto/generated from the .proto files beside it. With a folder as argument, writes there instead.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const folder = join(root, "src/host/criu/proto");
const plugin = join(root, "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es");
const committed = join(folder, "generated");
const out = process.argv[2] ?? committed;
const template = {
  version: "v2",
  plugins: [
    {
      local: [process.execPath, plugin],
      out,
      // Node runs only TypeScript that becomes JavaScript when its types are left out.
      opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
    },
  ],
};
// Files of .proto files that were removed must not stay.
if (out === committed) rmSync(committed, { recursive: true, force: true });
execFileSync(join(root, "node_modules/.bin/buf"), ["generate", folder, "--template", JSON.stringify(template)], {
  stdio: "inherit",
});
