import { keepsConnections } from "../../checks/addresses.ts";
import { firstFailure } from "../../checks/verdict.ts";
import { containerName } from "../../host/container/facts.ts";
import type { Move } from "./move.ts";
import { checkMigration } from "./preflight/check-migration.ts";

/** Asks the destination whether it can take the container, which has its name reserved there from now on. @throws preflight-failed */
export async function preflight(move: Move): Promise<void> {
  const { container, context, host, migration, peer, record, request, signal } = move;
  move.enter("preflight", `Asking ${peer.name} whether it can take '${containerName(container)}'`);
  // The journal knows of it before the destination does: what the destination reserves is taken back, whatever becomes of this agent.
  migration.save();
  const checked = await checkMigration(host, peer, container, { ...request, migration: record.migration }, signal);
  move.checked = checked;
  record.volumes = checked.trees.filter(({ kind }) => kind === "volume").map(({ name }) => name);
  record.keepConnections = keepsConnections(checked.facts, request.tcp);
  move.become(checked.plan.mode);
  const { plan, onNoConvergence } = checked;
  const failure = firstFailure(plan.verdicts, `'${plan.container}' cannot move to ${plan.destination}`);
  if (failure) throw failure;
  for (const { level, message, remedy } of plan.verdicts) if (level === "warn") context.warn(message, remedy);
  if (move.mode.goesInRounds && onNoConvergence !== request.onNoConvergence)
    context.warn(
      "post-copy is not possible between these hosts: if no round helps, pre-copy goes to the switchover",
      "godwit doctor",
    );
  move.enter("preflight", `Mode ${plan.mode}. ${plan.because}`);
}
