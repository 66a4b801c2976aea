import { join } from "node:path";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { holdDump } from "../../../host/criu/dump/dump.ts";
import { type HeldLazyDump, holdLazyDump } from "../../../host/criu/dump/lazy-dump.ts";
import { sharedObjectsFile } from "../../../host/criu/images/shared-objects.ts";
import type { ContainerProcess } from "../../../host/proc/processes.ts";
import { FrozenMemory } from "../../../memory/frozen-memory.ts";
import { streamToPeer } from "../../../transport/peer-calls.ts";
import { counted } from "../../../transport/streams/streams.ts";
import type { Move, OwnRounds } from "../move.ts";
import { tunnelPort } from "./tunnel-port.ts";

/** How the memory of a frozen container gets to the destination. It is opened before the freeze, with a dump that waits. */
export interface MemoryTransfer {
  /** Name of the step that `dump` is. */
  step: string;
  /** Whether its connection serves the destination after the switchover. */
  outlivesSwitchover: boolean;
  /** `processes`: those of the frozen container. */
  dump(signal: AbortSignal, processes: ContainerProcess[]): Promise<void>;
  /** Ends what is left of the dump, or of one that never began. */
  drop(): void;
  /** Cuts the connection, so that a running dump ends. */
  close(): Promise<void>;
}

/** All memory goes under the freeze; after rounds, all that was written to since the last one. */
export async function transferUnderFreeze(move: Move): Promise<MemoryTransfer> {
  const { counter, running, space, rounds, reports, checked, stop } = move;
  const params = { migration: move.record.migration };
  const tunnel = await tunnelPort(move.peer, migrationProtocol.pages, params, { counter, signal: stop });
  const { images, work } = space;
  const held = await holdDump(running, { images, work, pagePort: tunnel.port, parent: rounds?.parent }).catch(
    async (error) => {
      await tunnel.close();
      throw error;
    },
  );
  const transfer = { phase: "switchover", total: rounds?.leftBytes ?? checked.plan.memoryBytes };
  return {
    step: "dump and send memory",
    outlivesSwitchover: false,
    dump: (signal) => reports.during(transfer, () => held.run(signal)),
    drop: held.drop,
    close: tunnel.close,
  };
}

/** What was written to since the last round goes under the freeze, and then CRIU dumps the rest of the container. */
export async function transferLastRound(move: Move, own: OwnRounds): Promise<MemoryTransfer> {
  const { reports, rounds } = move;
  await own.connect();
  const held = await holdDumpWithoutMemory(move);
  const transfer = { phase: "switchover", total: rounds?.leftBytes ?? 0 };
  return {
    step: "send changed memory and dump",
    outlivesSwitchover: false,
    dump: (_, processes) => reports.during(transfer, () => dumpBeside(move, own, "frozen", processes, held.run)),
    drop: held.end,
    close: async () => {},
  };
}

/** The memory stays where it is, and follows when the container runs on the destination. What rounds have brought stays there. */
export async function transferAfterResume(move: Move): Promise<MemoryTransfer> {
  const { counter, controls, ownRounds, running } = move;
  const { memory } = move.migration;
  const params = { migration: move.record.migration };
  const open = async () => counted(await streamToPeer(move.peer, migrationProtocol.pages, params), counter);
  await memory.connect({ open, rate: controls.drainRate });
  await ownRounds?.connect();
  const held = await holdDumpWithoutMemory(move);
  return {
    step: "dump",
    outlivesSwitchover: true,
    async dump(_, processes) {
      await (ownRounds ? dumpBeside(move, ownRounds, "named", processes, held.run) : held.run());
      move.migration.serveMemory(await FrozenMemory.open(running));
    },
    drop: held.end,
    close: async () => memory.close(),
  };
}

async function holdDumpWithoutMemory({ host, running, space, ownRounds }: Move): Promise<HeldLazyDump> {
  const { images, work } = space;
  const leftOut = ownRounds && join(images, sharedObjectsFile);
  return holdLazyDump(running, { images, work, leftOut }, (await host.facts()).criu?.version ?? "");
}

/** Sends the last round, and dumps beside it as soon as CRIU disturbs nothing. Returns when both have ended. */
async function dumpBeside(
  { checked, request, space, tracksPages: isPrivate }: Move,
  own: OwnRounds,
  state: "frozen" | "named",
  processes: ContainerProcess[],
  dump: () => Promise<void>,
): Promise<void> {
  const list = join(space.images, sharedObjectsFile);
  const round = { state, isPrivate, isShared: checked.sharesApart, isVerified: request.verify, list };
  const { begun, arrived } = own.sendLast(round, processes);
  // CRIU changes private pages for a moment while it dumps.
  await begun;
  for (const ended of await Promise.allSettled([dump(), arrived])) if (ended.status === "rejected") throw ended.reason;
}
