import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { PlainMode } from "../../checks/plan.ts";
import type { BatonOffer, FilesComplete } from "../../contract/migration.ts";
import { freeze } from "../../host/cgroup/freezer.ts";
import { endExecSessions } from "../../host/container/exec-sessions.ts";
import { type LogMark, readLogTail } from "../../host/container/logs.ts";
import { keepExpiredTimers } from "../../host/criu/images/expired-timers.ts";
import { prepareConnections } from "../../host/criu/images/inner-connections.ts";
import { refuseLostNames } from "../../host/criu/images/link-remaps.ts";
import { noteLostLocks } from "../../host/criu/images/record-locks.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import { mappedFiles } from "../../host/files/trees.ts";
import { holdSilence } from "../../host/network/network-silence.ts";
import { containerProcesses } from "../../host/proc/processes.ts";
import type { ImageSpace } from "../../host/restore/image-space.ts";
import type { RuncContainer } from "../../host/runtime/runc.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { MigrationControls } from "../controls.ts";
import { peerPaths } from "../peer-paths.ts";
import type { Departure } from "./departure.ts";
import { type FileSync, openLastRound } from "./files.ts";
import { type MemoryLeft, wayOfAll, wayOfLater } from "./memory-way.ts";

/** CRIU images up to this size go with the offer, in one round trip; larger ones go before it, as streams. */
const inlineBytes = 256 * 1024;
/** Where CRIU finds the round before, on this host. */
const parentLink = "parent";
/** Written by runc before it starts CRIU: what the container's standard input and outputs are. */
const descriptorsFile = "descriptors.json";

export interface SwitchoverInput {
  departure: Departure;
  controls: MigrationControls;
  container: ContainerInspect;
  running: RuncContainer;
  sync: FileSync;
  /** How far the log was sent when the destination was armed. */
  logMark: () => LogMark | undefined;
  dockerRoot: string;
  /**
   * Has the destination armed. For a container with a terminal that is done under the freeze: what it says reaches its log
   * only through the terminal, so the log must be whole before Docker opens it there.
   */
  arm: () => Promise<void>;
  tty: boolean;
  mode: PlainMode;
  /** Of this host; it speaks its page protocol. */
  criuVersion: string;
  /** Room in this host's memory for CRIU's small images: nothing is written to disk. */
  space: ImageSpace;
  memory: MemoryLeft;
}

/**
 * From the freeze to the destination's word. Everything up to the offer can fail, and the container runs on here; what comes
 * after it is the baton's business.
 * @returns when the freeze was ordered, in ms of performance.now()
 */
export async function switchOver(input: SwitchoverInput, context: OperationContext): Promise<number> {
  const { departure, running, sync, space } = input;
  await using undo = new AsyncDisposableStack();
  const openPages = async () => {
    const way = await (input.mode === "postcopy"
      ? wayOfLater(running, sync, space, departure, {
          criuVersion: input.criuVersion,
          rate: input.controls.drainRate,
        })
      : wayOfAll(running, sync, space, input.memory, context.signal));
    if (input.mode !== "postcopy") undo.defer(way.close);
    undo.defer(way.drop);
    return way;
  };
  const openFiles = async () => {
    const round = await openLastRound(sync, context.signal);
    undo.defer(round.close);
    return round;
  };
  const silence = await holdSilence(running.pid);
  undo.defer(silence.drop);
  const early = input.tty ? undefined : await Promise.all([openPages(), openFiles()]);
  const frozenAt = performance.now();
  const switchover = { switchover: true };
  // What is dropped in the moment before it stands still is sent again, to where it runs next.
  const [processes] = await Promise.all([
    context.step("freeze", switchover, async () => {
      await freeze(running);
      return endExecSessions(await containerProcesses(running.cgroup), running.pid);
    }),
    context.step("silence network", switchover, silence.silence),
  ]);
  if (input.tty) await context.step("arm", switchover, input.arm);
  const [pages, files] = early ?? (await Promise.all([openPages(), openFiles()]));
  const dumped = context.step(pages.step, switchover, () => pages.dump(context.signal));
  const sent = context.step("send changed files", switchover, async () => {
    const mapped = await Promise.all(sync.trees.map((tree) => mappedFiles(processes, tree)));
    await files.send(mapped);
  });
  const told = sent.then(() => tellFiles(input, context.signal));
  // A dump cannot be killed, but without its pages' way it ends by itself. Nobody may thaw the container before that.
  const giveUp = () => pages.close().catch(() => {});
  context.signal.addEventListener("abort", giveUp);
  sent.catch(giveUp);
  for (const ended of await Promise.allSettled([told, dumped])) if (ended.status === "rejected") throw ended.reason;
  await refuseLostNames(space.images, input.container);
  await keepExpiredTimers(space.images);
  await prepareConnections(space.images, { endOuter: !departure.record.keepConnections });
  await noteLostLocks(space.images, processes);
  const [images, logTail] = await context.step("read images and log", switchover, () =>
    Promise.all([sendImages(input), input.tty ? [] : readLogTail(input.container, input.dockerRoot, input.logMark())]),
  );
  context.pointOfNoReturn();
  await context.step("hand over and restore", switchover, () => departure.offer({ images, logTail }));
  return frozenAt;
}

/** What can be done on the destination without the dump is done beside it. */
async function tellFiles({ sync, space }: SwitchoverInput, signal: AbortSignal): Promise<void> {
  const found = await readImage(space, descriptorsFile).catch(() => undefined);
  // runc has not come so far yet: the destination does it with the rest.
  if (!found) return;
  const complete: FilesComplete = { descriptors: found };
  await sync.peer.json("POST", peerPaths.filesComplete(sync.migration), complete, { signal });
}

async function readImage({ images }: ImageSpace, name: string): Promise<BatonOffer["images"][number]> {
  return { name, data: (await readFile(join(images, name))).toString("base64") };
}

/** Sends CRIU's large images, and gives the small ones for the offer. */
async function sendImages({ sync, space }: SwitchoverInput): Promise<BatonOffer["images"]> {
  const names = (await readdir(space.images)).filter((name) => name !== parentLink);
  const read = names.map(async (name) => {
    const path = join(space.images, name);
    const { size } = await stat(path);
    sync.counter.sent += size;
    if (size <= inlineBytes) return readImage(space, name);
    await sync.peer.upload(
      `${peerPaths.criuImage(sync.migration)}?${new URLSearchParams({ name })}`,
      createReadStream(path),
    );
    return undefined;
  });
  return (await Promise.all(read)).filter((image) => image !== undefined);
}
