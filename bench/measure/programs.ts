import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const folder = join(import.meta.dirname, "../programs");

/** What the bench brings into a lab, as tar files. */
export interface Built {
  /** The root of the image `bench`, with /bin/ticker. */
  image: string;
  /** The programs that run in the hosts. */
  tools: string;
  /** A path for the image as the engine saves it. The file does not exist yet. */
  saved: string;
  remove(): void;
}

/** Compiles and bundles the programs, with the machine's gcc. */
export async function buildPrograms(): Promise<Built> {
  const scratch = mkdtempSync(join(tmpdir(), "godwit-bench-"));
  for (const part of ["image/bin", "image/tmp", "tools"]) mkdirSync(join(scratch, part), { recursive: true });
  compile("ticker", join(scratch, "image/bin/ticker"));
  for (const name of ["stopwatch", "clock", "helpers", "ticker"]) compile(name, join(scratch, "tools", name));
  for (const name of ["floor.sh", "postgres.sh"]) copyFileSync(join(folder, name), join(scratch, "tools", name));
  await build({
    entryPoints: [join(folder, "stream.ts")],
    outfile: join(scratch, "tools/stream.mjs"),
    // As in scripts/build.ts: a dependency of the transport calls require() for Node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
  });
  return {
    image: pack(scratch, "image"),
    tools: pack(scratch, "tools"),
    saved: join(scratch, "saved.tar"),
    remove: () => rmSync(scratch, { recursive: true }),
  };
}

function compile(name: string, target: string): void {
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-static", "-o", target, join(folder, `${name}.c`)]);
}

function pack(scratch: string, part: string): string {
  const file = join(scratch, `${part}.tar`);
  execFileSync("tar", ["-C", join(scratch, part), "--owner=0", "--group=0", "--numeric-owner", "-cf", file, "."]);
  return file;
}
