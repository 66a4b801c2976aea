import type { HostFacts, Verdict } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";
import { dirtyTrackingCheck, lazyPagesCheck } from "./host-checks.ts";
import { choosePlan } from "./plan.ts";
import { fail } from "./verdict.ts";

/**
 * A mode that was asked for by name fails where doctor only warns that a host cannot do it. It says what is missing where, and
 * what would be done instead.
 */
export function modeChecks(source: HostFacts, destination: HostFacts, mode: Mode): Verdict[] {
  if (mode !== "precopy" && mode !== "postcopy") return [];
  const { title, needs, check } = needed[mode];
  const lacking = [source, destination].filter((host) => check(host).some(({ level }) => level !== "ok"));
  if (lacking.length === 0) return [];
  const instead = choosePlan({ asked: "auto", source, destination }).mode;
  const names = lacking.map(({ name }) => name);
  const remedies = lacking.flatMap((host) => check(host).map(({ remedy }) => `on ${host.name}: ${remedy}`));
  return [
    fail(
      "mode",
      "preflight-failed",
      `${title} needs ${needs}, which ${names.join(" and ")} ${names.length > 1 ? "do" : "does"} not have`,
      `use --mode ${instead}, which is what auto would choose here; or ${remedies.join("; ")}`,
    ),
  ];
}

const needed = {
  precopy: { title: "pre-copy", needs: "a kernel that tracks changed memory", check: dirtyTrackingCheck },
  postcopy: { title: "post-copy", needs: "userfaultfd", check: lazyPagesCheck },
};
