import type { Check, OneHost } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const freezer: Check<OneHost> = {
  key: "freezer",
  audiences: ["doctor", "either-side"],
  run: ({ host: { freezer } }) => {
    if (freezer !== "none") return [ok(`the host has a cgroup freezer (${freezer})`)];
    const what = "the host has no cgroup freezer, so godwit cannot freeze a container";
    return [fail("preflight-failed", what, "mount -t cgroup2 none /sys/fs/cgroup")];
  },
};
