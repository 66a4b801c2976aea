import { join } from "node:path";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { holdDump } from "../../../host/criu/dump/dump.ts";
import { type HeldLazyDump, holdLazyDump } from "../../../host/criu/dump/lazy-dump.ts";
import { sharedObjectsFile } from "../../../host/criu/images/shared-objects.ts";
import type { ContainerProcess } from "../../../host/proc/processes.ts";
import { FrozenMemory } from "../../../memory/frozen-memory.ts";
import { streamToPeer } from "../../../transport/peer-calls.ts";
import { counted } from "../../../transport/streams/streams.ts";
import type { MemoryRounds, Move } from "../move.ts";
import { memoryRoundsOf } from "./memory-rounds.ts";

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

/** All memory goes in CRIU's images, under the freeze: hosts between which CRIU cannot leave it out. */
export async function transferInImages({ running, space }: Move): Promise<MemoryTransfer> {
  const { images, work } = space;
  const held = await holdDump(running, { images, work });
  return {
    step: "dump memory",
    outlivesSwitchover: false,
    dump: (signal) => held.run(signal),
    drop: held.drop,
    close: async () => {},
  };
}

/** All memory goes under the freeze; after rounds, what was written to since the last one. Then CRIU dumps the rest of the container. */
export async function transferLastRound(move: Move): Promise<MemoryTransfer> {
  const { checked, reports, rounds } = move;
  const own = memoryRoundsOf(move);
  await own.connect();
  const held = await holdDumpWithoutMemory(move);
  const transfer = { phase: "switchover", total: rounds?.leftBytes ?? checked.plan.memoryBytes };
  return {
    step: rounds ? "send changed memory and dump" : "send memory and dump",
    outlivesSwitchover: false,
    dump: (signal, processes) =>
      reports.during(transfer, () => dumpBeside(move, own, "frozen", processes, () => held.run(signal))),
    drop: held.end,
    close: async () => {},
  };
}

/** The memory stays where it is, and follows when the container runs on the destination. What rounds have brought stays there. */
export async function transferAfterResume(move: Move): Promise<MemoryTransfer> {
  const { counter, controls, running } = move;
  const { memory } = move.migration;
  const params = { migration: move.record.migration };
  const open = async () => counted(await streamToPeer(move.peer, migrationProtocol.pages, params), counter);
  await memory.connect({ open, rate: controls.drainRate });
  const own = move.memory;
  await own?.connect();
  const held = await holdDumpWithoutMemory(move);
  return {
    step: "dump",
    outlivesSwitchover: true,
    async dump(signal, processes) {
      const dump = () => held.run(signal);
      await (own ? dumpBeside(move, own, "named", processes, dump) : dump());
      move.migration.serveMemory(await FrozenMemory.open(running));
    },
    drop: held.end,
    close: async () => memory.close(),
  };
}

async function holdDumpWithoutMemory({ host, running, space, memory }: Move): Promise<HeldLazyDump> {
  const { images, work } = space;
  const leftOut = memory && join(images, sharedObjectsFile);
  return holdLazyDump(running, { images, work, leftOut }, (await host.facts()).criu?.version ?? "");
}

/** Sends the last round, and dumps beside it as soon as CRIU disturbs nothing. Returns when both have ended. */
async function dumpBeside(
  { checked, request, space, sendsPrivate: isPrivate }: Move,
  own: MemoryRounds,
  state: "frozen" | "named",
  processes: ContainerProcess[],
  dump: () => Promise<void>,
): Promise<void> {
  const list = join(space.images, sharedObjectsFile);
  const round = {
    state,
    isPrivate,
    isShared: checked.sharesApart,
    tellsSharing: true,
    isVerified: request.verify,
    list,
  };
  const { begun, arrived } = own.sendLast(round, processes);
  // CRIU changes private pages for a moment while it dumps.
  await begun;
  for (const ended of await Promise.allSettled([dump(), arrived])) if (ended.status === "rejected") throw ended.reason;
}
