import type { Check, PlannedMove } from "../check.ts";
import { fail } from "../finding.ts";

/** Docker loads this profile when it starts. */
const dockersProfile = "docker-default";

export const appArmor: Check<PlannedMove> = {
  key: "app-armor",
  audiences: ["migration"],
  run: ({ view: { appArmorMissing: profile } }) => {
    if (profile === null) return [];
    const load =
      profile === dockersProfile
        ? "install the package apparmor and restart Docker"
        : "load it (apparmor_parser -r FILE)";
    return [
      fail(
        "preflight-failed",
        `AppArmor has no profile '${profile}', under which the container's processes run`,
        `${load}, or create the container with --security-opt apparmor=unconfined`,
      ),
    ];
  },
};
