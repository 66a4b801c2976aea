import { run } from "../../proc/process.ts";

/** Options for removed names of open files, and for connections that no program has accepted yet: see `dumpOptions`. */
const wanted = ["--link-remap", "--tcp-skip-in-flight"];

let known: Promise<string[]> | undefined;

/**
 * Those of the `wanted` options that this host's `runc checkpoint` knows. They are in CRIU's configuration too. A runc that knows an
 * option (1.3) switches it off in CRIU unless it is among runc's arguments. An older runc (1.1) refuses the argument.
 */
export function overridingOptions(): Promise<string[]> {
  known ??= run("runc", ["checkpoint", "--help"]).then((help) => wanted.filter((option) => help.includes(option)));
  return known;
}
