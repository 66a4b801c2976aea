import type { Check, OneHost } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const runc: Check<OneHost> = {
  key: "runc",
  audiences: ["doctor", "either-side"],
  run: ({ host: { runc } }) => [
    runc ? ok(`runc ${runc}`) : fail("preflight-failed", "runc is not installed", "apt-get install runc"),
  ],
};
