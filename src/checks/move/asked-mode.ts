import { choosePlan } from "../audiences/plan.ts";
import type { Check, PlannedMove } from "../check.ts";
import { fail } from "../finding.ts";
import { modes } from "../modes.ts";

/**
 * A mode that was asked for by name fails where its hosts alone only warn of what they lack. What fails on a host is left to the
 * checks of that host.
 */
export const askedMode: Check<PlannedMove> = {
  key: "mode",
  audiences: ["migration"],
  run: ({ source, destination, container, mode }) => {
    const { title, needs, followsAfterResume: memoryFollows } = modes[mode];
    return needs.flatMap(({ feature, check, isOfSource }) => {
      const warnings = (isOfSource ? [source] : [source, destination]).flatMap((host) =>
        check
          .run({ host, memoryFollows })
          .filter(({ level }) => level === "warn")
          .map(({ remedy }) => ({ host: host.name, remedy })),
      );
      if (warnings.length === 0) return [];
      const instead = choosePlan({ asked: "auto", source, destination, container }).mode;
      const lacking = `${warnings.map(({ host }) => host).join(" and ")} ${warnings.length > 1 ? "do" : "does"} not have`;
      const remedies = warnings.map(({ host, remedy }) => `on ${host}: ${remedy}`).join("; ");
      return [
        fail(
          "preflight-failed",
          `${title} needs ${feature}, which ${lacking}`,
          `use --mode ${instead}, which auto would choose here; or ${remedies}`,
        ),
      ];
    });
  },
};
