import { versionAtLeast, versionOf } from "../../contract/units.ts";
import type { Check, TwoHosts } from "../check.ts";
import { ok, warn } from "../finding.ts";

export const kernel: Check<TwoHosts> = {
  key: "kernel",
  audiences: ["doctor", "migration"],
  run: ({ one, other }) => {
    const [x, y] = [versionOf(one.kernel), versionOf(other.kernel)];
    if (x.join(".") === y.join(".")) return [ok(`both have kernel ${x.join(".")}`)];
    const older = versionAtLeast(x, y) ? other : one;
    return [
      warn(
        `${one.name} has kernel ${one.kernel}, ${other.name} has ${other.kernel}: CRIU cannot restore on ${older.name} a program that uses what only the newer kernel has`,
        `if a restore on ${older.name} fails, update its kernel`,
      ),
    ];
  },
};
