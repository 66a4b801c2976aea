import { join } from "node:path";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { holdDump } from "../../../host/criu/dump/dump.ts";
import { type HeldLazyDump, holdLazyDump } from "../../../host/criu/dump/lazy-dump.ts";
import { sharedObjectsFile } from "../../../host/criu/images/shared-objects.ts";
import type { ContainerProcess } from "../../../host/proc/processes.ts";
import { FrozenMemory } from "../../../memory/frozen-memory.ts";
import type { MemorySender } from "../../../memory/rounds/memory-sender.ts";
import { streamToPeer } from "../../../transport/peer-calls.ts";
import { counted } from "../../../transport/streams/streams.ts";
import type { Move, OwnRounds } from "../move.ts";
import { explainRound } from "./memory-rounds.ts";
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
export async function transferLastRound(move: Move, { sender }: OwnRounds): Promise<MemoryTransfer> {
  const { checked, reports, rounds } = move;
  const last = await openLastRound(move, sender, "frozen");
  const held = await holdDumpWithoutMemory(move).catch((error) => {
    last.close();
    throw error;
  });
  const transfer = { phase: "switchover", total: rounds?.leftBytes ?? checked.plan.memoryBytes };
  return {
    step: "send changed memory and dump",
    outlivesSwitchover: false,
    dump: (_, processes) => reports.during(transfer, () => last.sendBeside(held.run, processes)),
    drop: held.end,
    close: async () => last.close(),
  };
}

/** The memory stays where it is, and follows when the container runs on the destination. What rounds have brought stays there. */
export async function transferAfterResume(move: Move): Promise<MemoryTransfer> {
  const { counter, controls, ownRounds, running } = move;
  const { memory } = move.migration;
  const params = { migration: move.record.migration };
  const open = async () => counted(await streamToPeer(move.peer, migrationProtocol.pages, params), counter);
  await memory.connect({ open, rate: controls.drainRate });
  const last = ownRounds && (await openLastRound(move, ownRounds.sender, "named"));
  const held = await holdDumpWithoutMemory(move).catch((error) => {
    last?.close();
    throw error;
  });
  return {
    step: "dump",
    outlivesSwitchover: true,
    async dump(_, processes) {
      await (last ? last.sendBeside(held.run, processes) : held.run());
      move.migration.serveMemory(await FrozenMemory.open(running));
    },
    drop: held.end,
    async close() {
      last?.close();
      memory.close();
    },
  };
}

async function holdDumpWithoutMemory({ host, running, space, ownRounds }: Move): Promise<HeldLazyDump> {
  const { images, work } = space;
  const leftOut = ownRounds && join(images, sharedObjectsFile);
  return holdLazyDump(running, { images, work, leftOut }, (await host.facts()).criu?.version ?? "");
}

interface LastRound {
  /** Sends it, and dumps beside it as soon as CRIU disturbs nothing. Returns when both have ended. */
  sendBeside(dump: () => Promise<void>, processes: ContainerProcess[]): Promise<void>;
  close(): void;
}

/** Opens the connection for the last round, before the freeze. */
async function openLastRound(move: Move, sender: MemorySender, state: "frozen" | "named"): Promise<LastRound> {
  const { checked, counter, peer, record, request, space, stop, tracksPages } = move;
  const params = { migration: record.migration };
  const opened = await streamToPeer(peer, migrationProtocol.memoryRound, params, { signal: stop });
  const stream = counted(opened, counter);
  stream.on("error", () => {});
  return {
    async sendBeside(dump, processes) {
      const list = join(space.images, sharedObjectsFile);
      const round = { state, isPrivate: tracksPages, isShared: checked.sharesApart, isVerified: request.verify, list };
      const { begun, arrived } = sender.send(stream, processes, round);
      // CRIU changes private pages for a moment while it dumps.
      const explain = explainRound(move);
      await begun.catch(explain);
      for (const ended of await Promise.allSettled([dump(), arrived.catch(explain)]))
        if (ended.status === "rejected") throw ended.reason;
    },
    close: () => void stream.destroy(),
  };
}
