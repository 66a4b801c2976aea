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
      // Node runs TypeScript only where nothing in it needs more than leaving the types out.
      opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
    },
  ],
};
// No file of a message that is no longer there stays.
if (out === committed) rmSync(committed, { recursive: true, force: true });
execFileSync(join(root, "node_modules/.bin/buf"), ["generate", folder, "--template", JSON.stringify(template)], {
  stdio: "inherit",
});
