// Bundles the command line and the agent into a few files: a command loads only those that it needs, so it starts fast, and a host
// needs only these files and Node. Compiles the programs that work on restored processes, statically, so that they need nothing of
// their host. Compiles the CRIU wrapper of a lab's hosts.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, rmSync } from "node:fs";
import { build, type Plugin } from "esbuild";
import { libraryParts, partsOf, programNames } from "./c-programs.ts";

/**
 * An `import` of node:http reads every export, and one of them loads a whole HTTP client that nobody uses: a fifth of a command's
 * start time. The exports of a CommonJS module are not read until they are used.
 */
const httpUnread: Plugin = {
  name: "http-unread",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:https?$/ }, ({ path }) => ({ path, namespace: "unread" }));
    onLoad({ filter: /.*/, namespace: "unread" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

// The names of chunks contain a hash: chunks of an older build would stay.
for (const old of globSync("dist/*.mjs*")) rmSync(old);
await build({
  entryPoints: { godwit: "src/cli/main.ts" },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  // All in one folder: any chunk may contain the code that looks for the package's folder from its own path.
  chunkNames: "[name]-[hash]",
  splitting: true,
  bundle: true,
  plugins: [httpUnread],
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

const compile = (...args: string[]) =>
  execFileSync("cc", ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", ...args], { stdio: "inherit" });
// A static OpenSSL warns about features that nobody uses here: modules and names of hosts.
for (const name of programNames) compile("-static", "-Wl,--no-warnings", "-o", `dist/godwit-${name}`, ...partsOf(name));
// CRIU is a program of its host, and needs its libc.
compile("-shared", "-fPIC", "-fvisibility=hidden", "-o", "dist/godwit-criu.so", ...libraryParts());
// Only the hosts of labs use these.
mkdirSync("dist/lab", { recursive: true });
compile("-static", "-o", "dist/lab/criu", "src/lab/criu/criu.c");
compile("-shared", "-fPIC", "-o", "dist/lab/limits.so", "src/lab/criu/limits.c");
