import { run } from "../../proc/process.ts";

/** For names that open files have lost, and for connections that nobody has accepted yet: see `dumpOptions`. */
const wanted = ["--link-remap", "--tcp-skip-in-flight"];

let known: Promise<string[]> | undefined;

/**
 * Options of `runc checkpoint` that also are in CRIU's configuration. A runc that knows one says no to CRIU without it, whatever the
 * configuration says (1.3); an older one does not know it, and leaves it to the configuration (1.1).
 */
export function overridingOptions(): Promise<string[]> {
  known ??= run("runc", ["checkpoint", "--help"]).then((help) => wanted.filter((option) => help.includes(option)));
  return known;
}
