import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { holdDump } from "../../../host/criu/dump/dump.ts";
import { holdLazyDump } from "../../../host/criu/dump/lazy-dump.ts";
import { FrozenMemory } from "../../../memory/frozen-memory.ts";
import { streamToPeer } from "../../../transport/peer-calls.ts";
import { counted } from "../../../transport/streams/streams.ts";
import type { Move } from "../move.ts";
import { tunnelPort } from "./tunnel-port.ts";

/** How the memory of a frozen container gets to the destination. It is opened before the freeze, with a dump that waits. */
export interface MemoryTransfer {
  /** Name of the step that `dump` is. */
  step: string;
  /** Whether its connection serves the destination after the switchover. */
  outlivesSwitchover: boolean;
  dump(signal: AbortSignal): Promise<void>;
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

/** The memory stays where it is, and follows when the container runs on the destination. */
export async function transferAfterResume(move: Move): Promise<MemoryTransfer> {
  const { counter, controls, running, space, host } = move;
  const { memory } = move.migration;
  const params = { migration: move.record.migration };
  const open = async () => counted(await streamToPeer(move.peer, migrationProtocol.pages, params), counter);
  await memory.connect({ open, rate: controls.drainRate });
  const criuVersion = (await host.facts()).criu?.version ?? "";
  const held = await holdLazyDump(running, { images: space.images, work: space.work }, criuVersion);
  return {
    step: "dump",
    outlivesSwitchover: true,
    async dump() {
      await held.run();
      move.migration.serveMemory(await FrozenMemory.open(running));
    },
    drop: held.end,
    async close() {
      memory.close();
    },
  };
}
