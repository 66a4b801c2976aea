import type { Check, TwoHosts } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const architecture: Check<TwoHosts> = {
  key: "architecture",
  audiences: ["doctor", "migration"],
  run: ({ one, other }) => {
    if (one.architecture === other.architecture) return [ok(`both are ${one.architecture}`)];
    const what = `${one.name} is ${one.architecture}, ${other.name} is ${other.architecture}: processes run on one of them only`;
    return [fail("preflight-failed", what, `use a destination with ${one.architecture}`)];
  },
};
