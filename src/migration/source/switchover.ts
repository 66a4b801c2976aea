import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { migrationProtocol } from "../../contract/peer/protocol.ts";
import { readLogTail } from "../../host/container/logs/logs.ts";
import { acceptDockersFiles } from "../../host/criu/images/docker-files.ts";
import { prepareConnections } from "../../host/criu/images/inner-connections.ts";
import { refuseLostNames } from "../../host/criu/images/link-remaps.ts";
import { prepareStateSaver, type StateSaver } from "../../host/criu/images/process-state.ts";
import { noteLostLocks } from "../../host/criu/images/record-locks.ts";
import { markSemaphores } from "../../host/criu/images/semaphores.ts";
import { mendTimers } from "../../host/criu/images/timers.ts";
import { mappedFiles } from "../../host/files/trees.ts";
import type { ContainerProcess } from "../../host/proc/processes.ts";
import { callPeer } from "../../transport/peer-calls.ts";
import { armFor } from "./arm.ts";
import { prepareFreeze } from "./freeze.ts";
import type { Move } from "./move.ts";
import { type LastRound, openLastRound } from "./transfer/files/last-round.ts";
import { sendMuchChanged } from "./transfer/files/rounds.ts";
import { beginImages } from "./transfer/images.ts";
import {
  type MemoryTransfer,
  transferAfterResume,
  transferInImages,
  transferLastRound,
} from "./transfer/memory-transfer.ts";

/** Written by runc before it starts CRIU: what the container's standard input and outputs are. */
const descriptorsFile = "descriptors.json";

/** From here on the files' part of a downtime is told. */
const muchMs = 500;

const frozen = { switchover: true };

/**
 * Everything that happens under the freeze on the source, up to the destination's answer to the offer. Until the offer everything
 * can fail, and the container keeps running here; what comes after it is decided by the baton.
 */
export async function switchover(move: Move): Promise<void> {
  move.enter("switchover", "Getting everything ready for the freeze");
  const { context, record, space } = move;
  await using undo = new AsyncDisposableStack();
  const freeze = await prepareFreeze(move, undo);
  const state = prepareStateSaver(space.images);
  undo.defer(state.drop);
  const open = () => openTransfers(move, undo);
  // Whatever can be opened before the freeze is opened before it.
  const early = move.hasTerminal ? undefined : await open();
  await context.step("last round of files", {}, () => sendMuchChanged(move.files, move.signal, move.controls.syncRate));
  await move.memory?.beforeFreeze();
  context.phase(move.phase, "Freezing the container, handing it over");
  move.heartbeat.hurry();
  record.mayBeFrozen = true;
  move.migration.save();
  const processes = await freeze();
  if (move.hasTerminal) await context.step("arm", frozen, () => armFor(move, record.mode));
  const { memory, files } = early ?? (await open());
  const images = beginImages(move);
  undo.defer(images.drop);
  await dumpAndSend(move, { memory, files, state }, processes);
  await refuseLostNames(space.images, move.container);
  await mendTimers(space.images);
  await markSemaphores(space.images);
  await acceptDockersFiles(space.images);
  await prepareConnections(space.images, { endOuter: !record.keepConnections });
  await noteLostLocks(space.images, processes);
  const [small, logTail] = await context.step("read images and log", frozen, () =>
    Promise.all([images.finish(), move.hasTerminal ? [] : readLogTail(move.container, move.dockerRoot, move.logMark)]),
  );
  move.stop.throwIfAborted();
  context.pointOfNoReturn();
  move.heartbeat.offered();
  await context.step("hand over and restore", frozen, () => move.migration.baton.offer({ images: small, logTail }));
}

interface Transfers {
  memory: MemoryTransfer;
  files: LastRound;
}

function openMemoryTransfer(move: Move): Promise<MemoryTransfer> {
  const isSent = move.memory || (move.sendsAllPrivate && move.checked.leavesMemoryOut);
  if (move.request.verify && !isSent)
    move.context.warn("No memory is compared (--verify): none is sent before the resume.");
  if (move.mode.followsAfterResume) return transferAfterResume(move);
  return move.checked.leavesMemoryOut ? transferLastRound(move) : transferInImages(move);
}

async function openTransfers(move: Move, undo: AsyncDisposableStack): Promise<Transfers> {
  const openMemory = async () => {
    const memory = await openMemoryTransfer(move);
    if (!memory.outlivesSwitchover) undo.defer(memory.close);
    undo.defer(memory.drop);
    return memory;
  };
  const openFiles = async () => {
    const files = await openLastRound(move.files, move.stop);
    undo.defer(files.close);
    return files;
  };
  // Not before both have ended: what opens later would stay open.
  const [memory, files] = await Promise.allSettled([openMemory(), openFiles()]);
  if (memory.status === "rejected") throw memory.reason;
  if (files.status === "rejected") throw files.reason;
  return { memory: memory.value, files: files.value };
}

/** The dump, and beside it the last round of files and what CRIU leaves out. Returns, or throws, when neither works on the container any more. */
async function dumpAndSend(
  move: Move,
  { memory, files, state }: Transfers & { state: StateSaver },
  processes: ContainerProcess[],
): Promise<void> {
  const { context, checked, stop } = move;
  let dumpedAt = 0;
  let sentAt = 0;
  const dumped = context.step(memory.step, frozen, async () => {
    await memory.dump(stop, processes);
    dumpedAt = performance.now();
  });
  const sent = context.step("send changed files", frozen, async () => {
    await files.send(await Promise.all(checked.trees.map((tree) => mappedFiles(processes, tree))));
    sentAt = performance.now();
  });
  const saved = context.step("save other state", frozen, () => state.save(processes));
  const announced = sent.then(() => announceFiles(move));
  // The signal ends the dump. Nobody may thaw the container before CRIU has let go of it.
  const abandon = () => void memory.close().catch(() => {});
  stop.addEventListener("abort", abandon);
  for (const beside of [sent, saved]) beside.catch(abandon);
  for (const ended of await Promise.allSettled([announced, saved, dumped]))
    if (ended.status === "rejected") throw ended.reason;
  move.filesMs = Math.max(0, sentAt - dumpedAt);
  if (move.filesMs >= muchMs)
    context.warn(`The last changes of files took ${Math.round(move.filesMs)} ms of the downtime.`);
}

/** Tells the destination that all files are there, so that it prepares the root during the dump. */
async function announceFiles({ peer, record, space, stop }: Move): Promise<void> {
  const data = await readFile(join(space.images, descriptorsFile), "base64").catch(() => undefined);
  // runc has not written it yet: the destination does this step with the rest.
  if (data === undefined) return;
  const params = { migration: record.migration };
  await callPeer(
    peer,
    migrationProtocol.filesComplete,
    params,
    { descriptors: { name: descriptorsFile, data } },
    { signal: stop },
  );
}
