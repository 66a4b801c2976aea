import type { Check, OneHost } from "../check.ts";
import { ok, warn } from "../finding.ts";

export const otherUsers: Check<OneHost> = {
  key: "other-users",
  audiences: ["doctor"],
  run: ({ host: { criu } }) => {
    if (!criu) return [];
    if (criu.otherUsers) return [ok("CRIU can dump processes of every user")];
    return [
      warn(
        "CRIU can dump processes of root only: CAP_SYS_RESOURCE is missing",
        "run Docker and the agent with CAP_SYS_RESOURCE",
      ),
    ];
  },
};
