import type { Check, TwoHosts } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const cgroup: Check<TwoHosts> = {
  key: "cgroup",
  audiences: ["doctor", "migration"],
  run: ({ one, other }) => {
    if (!one.docker || !other.docker) return [];
    const [x, y] = [one.docker.cgroupVersion, other.docker.cgroupVersion];
    if (x === y) return [ok(`both have cgroup version ${x}`)];
    const old = x === "1" ? one : other;
    return [
      fail(
        "preflight-failed",
        `${one.name} has cgroup version ${x}, ${other.name} has version ${y}: CRIU cannot restore a container under another version`,
        `boot ${old.name} with systemd.unified_cgroup_hierarchy=1`,
      ),
    ];
  },
};
