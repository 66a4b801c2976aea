import { holdDump } from "../../host/criu/dump/dump.ts";
import { holdLazyDump } from "../../host/criu/dump/lazy-dump.ts";
import type { ImageSpace } from "../../host/restore/image-space.ts";
import type { RuncContainer } from "../../host/runtime/runc.ts";
import { FrozenMemory } from "../../memory/frozen-memory.ts";
import type { RateLimit } from "../../transport/rate-limit.ts";
import { counted } from "../../transport/streams.ts";
import { peerPaths } from "../peer-paths.ts";
import type { Departure } from "./departure.ts";
import type { FileSync } from "./files.ts";
import { PageService } from "./page-service.ts";
import type { ProgressReports } from "./progress-reports.ts";
import { tunnelPort } from "./wire.ts";

/** What of the memory goes under the freeze. */
export interface MemoryLeft {
  /** Expected. */
  bytes: number;
  reports: ProgressReports;
  /** In pre-copy: images of the last round, as a path from those of the dump. */
  parent?: string | undefined;
}

/** How the memory of a frozen container gets to the destination. It is opened before the freeze, with a dump that waits. */
export interface MemoryWay {
  /** Name of the step that `dump` is. */
  step: string;
  dump(signal: AbortSignal): Promise<void>;
  /** Ends what is left of the dump, or of one that was not let go on. */
  drop(): void;
  /** Cuts it off, so that a dump under way ends. */
  close(): Promise<void>;
}

/** All memory goes over under the freeze; in pre-copy, all that was written to since the last round. */
export async function wayOfAll(
  running: RuncContainer,
  { peer, migration, counter }: FileSync,
  { images, work }: ImageSpace,
  { bytes, reports, parent }: MemoryLeft,
  signal: AbortSignal,
): Promise<MemoryWay> {
  const tunnel = await tunnelPort(peer, peerPaths.pages(migration), counter, undefined, signal);
  const held = await holdDump(running, { images, work, pagePort: tunnel.port, parent }).catch(async (error) => {
    await tunnel.close();
    throw error;
  });
  const transfer = { phase: "switchover", total: bytes };
  return {
    step: "dump and send memory",
    dump: (cancelled) => reports.during(transfer, () => held.run(cancelled)),
    drop: held.drop,
    close: tunnel.close,
  };
}

/** The memory stays where it is, and follows when the container runs on the destination. */
export async function wayOfLater(
  running: RuncContainer,
  { peer, migration, counter }: FileSync,
  { images, work }: ImageSpace,
  departure: Departure,
  { criuVersion, rate }: { criuVersion: string; rate: RateLimit },
): Promise<MemoryWay> {
  const service = new PageService(async () => counted(await peer.tunnel(peerPaths.pages(migration)), counter), rate);
  await service.connect();
  departure.pages = service;
  const held = await holdLazyDump(running, { images, work }, criuVersion);
  return {
    step: "dump",
    async dump() {
      await held.run();
      departure.servePages(service, await FrozenMemory.open(running));
    },
    drop: held.end,
    async close() {
      service.close();
    },
  };
}
