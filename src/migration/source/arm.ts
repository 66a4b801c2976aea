import { roomOnSource } from "../../checks/image-room.ts";
import type { PlainMode } from "../../contract/migration.ts";
import { migrationProtocol } from "../../contract/peer/protocol.ts";
import { sharedMemoryOf } from "../../host/container/facts.ts";
import { callPeer } from "../../transport/peer-calls.ts";
import type { Move } from "./move.ts";
import { sendLogs } from "./transfer/logs.ts";

/** Gets both hosts ready for the switchover: the destination holds the container in the runtime hook; Docker here will not restart it. */
export async function arm(move: Move): Promise<void> {
  if (!move.rounds) {
    move.enter("arm", `Docker on ${move.peer.name} prepares the container`);
    if (!move.hasTerminal) await move.context.step("arm", {}, () => armFor(move, move.record.mode));
  }
  await holdRestartPolicy(move);
  move.setupMs = performance.now() - move.begunAt;
}

/** Arms the destination for a mode; again where the mode has changed. */
export async function armFor(move: Move, mode: PlainMode): Promise<void> {
  const { checked, container, dockerRoot, files, record, running, signal, space } = move;
  move.logMark = await sendLogs(files, container, dockerRoot, signal);
  const shared = await sharedMemoryOf(running);
  await space.grow(roomOnSource(checked.facts, shared, checked.leavesMemoryOut));
  const order = { mode, keepConnections: record.keepConnections, shared };
  await callPeer(move.peer, migrationProtocol.arm, { migration: record.migration }, order, { signal });
}

/** Keeps Docker from starting the original again by itself. The baton gives the policy back if the container stays here. */
async function holdRestartPolicy({ host, migration, record }: Move): Promise<void> {
  const { HostConfig } = await host.engine.inspect(record.containerId);
  const policy = HostConfig.RestartPolicy;
  if (HostConfig.AutoRemove || !policy?.Name || policy.Name === "no") return;
  record.restartPolicy = policy;
  migration.save();
  await host.engine.setRestartPolicy(record.containerId, { Name: "no" });
}
