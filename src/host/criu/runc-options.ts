import { run } from "../process.ts";

let linkRemap: Promise<string[]> | undefined;

/**
 * The option of `runc checkpoint` for names that open files have lost (see `dumpOptions`). A runc that knows it says no to CRIU
 * without it, whatever CRIU's configuration says (1.3); an older one does not know it, and leaves it to the configuration (1.1).
 */
export function linkRemapOption(): Promise<string[]> {
  linkRemap ??= run("runc", ["checkpoint", "--help"]).then((help) =>
    help.includes("--link-remap") ? ["--link-remap"] : [],
  );
  return linkRemap;
}
