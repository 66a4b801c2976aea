import { setTimeout as sleep } from "node:timers/promises";
import { freeze, thaw } from "../../host/cgroup/freezer.ts";
import { endExecSessions } from "../../host/container/exec-sessions.ts";
import { prepareBlock, unblockTraffic } from "../../host/network/traffic-block.ts";
import { bothOf } from "../../host/proc/both.ts";
import { type ContainerProcess, containerProcesses } from "../../host/proc/processes.ts";
import { discardInFlight, Looker } from "../../host/quiet/look.ts";
import {
  freezeInQuiet,
  type QuietWorld,
  quietBudgetMs,
  refuseInFlight,
  warnOfInFlight,
} from "../../host/quiet/quiet.ts";
import { sqliteInFlight } from "../../host/quiet/sqlite.ts";
import type { Move } from "./move.ts";

/** Freezes the original at a quiet instant, and returns its processes. @throws in-flight; command-failed. The container may be frozen then */
export type Freeze = () => Promise<ContainerProcess[]>;

/** Starts, before the freeze, the programs that it needs. */
export async function prepareFreeze(move: Move, undo: AsyncDisposableStack): Promise<Freeze> {
  const { context, request, running, stop } = move;
  const looker = new Looker();
  undo.defer(() => looker.drop());
  let traffic = await prepareBlock(running.pid);
  undo.defer(() => traffic.drop());
  const world: QuietWorld<ContainerProcess[]> = {
    running: () => containerProcesses(running.cgroup),
    async freeze() {
      looker.prepare();
      move.frozenAt = performance.now();
      // A packet that is dropped a moment before the freeze is sent again, to where the container runs next.
      return bothOf(
        context.step("freeze", { switchover: true }, async () => {
          await freeze(running);
          return containerProcesses(running.cgroup);
        }),
        context.step("block traffic", { switchover: true }, () => traffic.block()),
      );
    },
    async thaw() {
      await bothOf(unblockTraffic(running.pid), thaw(running));
      traffic = await prepareBlock(running.pid);
    },
    look: (processes) => looker.look(processes),
    lookAtLocks: sqliteInFlight,
    now: () => performance.now(),
    sleep: (ms) => sleep(ms, undefined, { signal: stop }),
    onWait: () => context.phase(move.phase, "Waiting until nothing is in flight that a freeze would lose"),
  };
  return async () => {
    const { processes, inFlight } = await freezeInQuiet(world, quietBudgetMs);
    if (request.inFlight === "refuse") refuseInFlight(inFlight, "accept the loss with --in-flight lose");
    warnOfInFlight(inFlight, context);
    await discardInFlight(inFlight, processes);
    return endExecSessions(processes, running.pid);
  };
}
