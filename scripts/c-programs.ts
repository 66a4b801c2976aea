import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Where the sources of godwit's programs lie, and the libraries of Debian that are linked into them. */
const programs = {
  "lazy-pages": { folders: "lazy-pages", libraries: [] },
  blocks: { folders: "blocks", libraries: [] },
  state: { folders: "{state,ptrace}", libraries: [] },
  memory: { folders: "{memory,memory/tracking,memory/wire,ptrace}", libraries: ["-lssl", "-lcrypto", "-lzstd"] },
} as const;

export type ProgramName = keyof typeof programs;
export const programNames = Object.keys(programs) as ProgramName[];

/** What the compiler gets to make a program. */
export function partsOf(name: ProgramName): string[] {
  const { folders, libraries } = programs[name];
  return [...globSync(join(root, "runtime", folders, "*.c")), ...libraries];
}

/** The sources of the library that is preloaded into CRIU. */
export const libraryParts = (): string[] => [
  ...globSync(join(root, "runtime/criu/*.c")),
  ...["memory/tracking/kernel.c", "ptrace/restart.c"].map((path) => join(root, "runtime", path)),
];
