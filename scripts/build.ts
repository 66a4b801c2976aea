// Bundles the command line (which contains the agent) into one file, so that it starts fast and a host needs only it and Node; and
// compiles what works on restored processes, which needs nothing of the host that it runs on.
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { build } from "esbuild";

await build({
  entryPoints: ["src/cli/main.ts"],
  outfile: "dist/godwit.mjs",
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  sourcemap: "linked",
  legalComments: "none",
  // Some dependencies are CommonJS and call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

for (const program of ["lazy-pages", "locks"]) {
  const compiled = ["-o", `dist/godwit-${program}`, ...globSync(`runtime/${program}/*.c`)];
  execFileSync("cc", ["-std=gnu11", "-O2", "-static", "-Wall", "-Wextra", "-Werror", ...compiled], {
    stdio: "inherit",
  });
}
