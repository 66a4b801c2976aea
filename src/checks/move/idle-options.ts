import { migrateRequest } from "../../contract/migration.ts";
import type { Check, PlannedMove } from "../check.ts";
import { warn } from "../finding.ts";
import { modes } from "../modes.ts";

const defaults = migrateRequest.parse({ destination: "any" });

/** Options of pre-copy, which decide when its rounds end. */
const ofRounds = [
  { name: "--downtime-limit", key: "downtimeLimitMs" },
  { name: "--on-no-convergence", key: "onNoConvergence" },
] as const;

/** Whoever gives an option expects it to do something. An option with its default value cannot be told from none. */
export const idleOptions: Check<PlannedMove> = {
  key: "options",
  audiences: ["migration"],
  run: ({ options, mode }) => {
    const { title, goesInRounds, followsAfterResume } = modes[mode];
    const idle: string[] = goesInRounds
      ? []
      : ofRounds.filter(({ key }) => options[key] !== defaults[key]).map(({ name }) => name);
    const mayFollow = followsAfterResume || (goesInRounds && options.onNoConvergence === "postcopy");
    if (!mayFollow && options.drainBandwidth !== null) idle.push("--drain-bandwidth");
    if (idle.length === 0) return [];
    const what = `${idle.join(" and ")} ${idle.length > 1 ? "have" : "has"} no effect on a ${title} move`;
    return [warn(what, `leave ${idle.length > 1 ? "them" : "it"} out, or choose another --mode`)];
  },
};
