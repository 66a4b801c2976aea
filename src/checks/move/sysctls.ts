import type { Check, PlannedMove } from "../check.ts";
import { fail } from "../finding.ts";

export const sysctls: Check<PlannedMove> = {
  key: "sysctls",
  audiences: ["migration"],
  run: ({ view: { sysctlsMissing } }) => {
    if (sysctlsMissing.length === 0) return [];
    return [
      fail(
        "preflight-failed",
        `the kernel has no setting ${sysctlsMissing.join(", ")}, which the container sets with --sysctl`,
        "load the kernel module that has it, or create the container without this --sysctl",
      ),
    ];
  },
};
