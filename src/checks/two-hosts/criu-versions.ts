import { versionAtLeast, versionOf } from "../../contract/units.ts";
import type { Check, TwoHosts } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const criuVersions: Check<TwoHosts> = {
  key: "criu-versions",
  audiences: ["doctor", "migration"],
  run: ({ one, other }) => {
    if (!one.criu || !other.criu) return [];
    const [x, y] = [versionOf(one.criu.version), versionOf(other.criu.version)];
    if (x.join(".") === y.join(".")) return [ok(`both have CRIU ${x.join(".")}`)];
    const [older, newest] = versionAtLeast(x, y) ? [other, x] : [one, y];
    return [
      fail(
        "preflight-failed",
        `${one.name} has CRIU ${one.criu.version}, ${other.name} has ${other.criu.version}: their page servers use different protocols`,
        `install CRIU ${newest.join(".")} on ${older.name}`,
      ),
    ];
  },
};
