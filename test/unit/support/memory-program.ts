import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { partsOf } from "../../../scripts/c-programs.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Compiles godwit-memory so that every misuse of its own memory ends it, and the programs of these names in this folder. */
export function compileMemory(...programs: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "godwit-memory-"));
  const program = join(folder, "godwit-memory");
  const cc = (...args: string[]) =>
    execFileSync("cc", ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-o", ...args]);
  cc(program, "-g", "-fsanitize=address,undefined", ...partsOf("memory"));
  for (const name of programs) cc(join(folder, name), "-pthread", here(`${name}.c`));
  return { folder, program, remove: () => rmSync(folder, { recursive: true }) };
}
