import { once } from "node:events";
import { connect } from "node:net";
import { GodwitError } from "../../contract/errors.ts";
import type { RuncContainer } from "../../host/container/runc.ts";
import { holdDump } from "../../host/criu/dump.ts";
import { type HeldLazyDump, holdLazyDump } from "../../host/criu/lazy-dump.ts";
import { lazyRuns } from "../../host/criu/lazy-runs.ts";
import { PageProtocol } from "../../host/criu/page-protocol.ts";
import type { ImageSpace } from "../../host/restore/image-space.ts";
import { openLastingTunnel } from "../../transport/lasting-tunnel.ts";
import type { RateLimit } from "../../transport/rate-limit.ts";
import type { ResumableStream } from "../../transport/resumable.ts";
import { counted } from "../../transport/streams.ts";
import { DumpedPages } from "../pages/dumped.ts";
import { sendPages } from "../pages/sender.ts";
import { UnsentPages } from "../pages/unsent.ts";
import { peerPaths } from "../peer-paths.ts";
import type { Departure } from "./departure.ts";
import type { FileSync } from "./files.ts";
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
  /** Ends a dump that was not let go on. */
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
  const stream = await openLastingTunnel(peer, peerPaths.pages(migration), (tunnel) => counted(tunnel, counter));
  departure.pages = stream;
  const held = await holdLazyDump(running, { images, work });
  return {
    step: "dump",
    dump: () => serve({ held, images, stream, criuVersion, rate }),
    drop: held.drop,
    async close() {
      stream.destroy();
    },
  };
}

async function serve(served: {
  held: HeldLazyDump;
  images: string;
  stream: ResumableStream;
  criuVersion: string;
  rate: RateLimit;
}): Promise<void> {
  const { held, images, stream, criuVersion, rate } = served;
  await held.run();
  if (stream.destroyed) throw new GodwitError("transfer-failed", "The way of the memory pages broke.");
  const socket = connect({ host: "127.0.0.1", port: held.port, noDelay: true, allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  const dumped = new DumpedPages(socket, new PageProtocol(criuVersion));
  stream.once("close", () => dumped.destroy());
  const unsent = new UnsentPages(await lazyRuns(images));
  sendPages({ dumped, unsent, stream, rate }).then(
    () => dumped.end(),
    () => {},
  );
}
