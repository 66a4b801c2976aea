import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { hasOuterConnections } from "../criu/images/inner-connections.ts";
import { lockOrders } from "../criu/images/record-locks.ts";
import { restoreOptions } from "../criu/options.ts";
import { explainCriuLog } from "../criu/reason.ts";
import { lazyOrders } from "../criu/restore/lazy-orders.ts";
import { type LazyPages, markEager, pagesSocket } from "../criu/restore/lazy-pages.ts";
import { type PreparedUnblock, prepareUnblock } from "../network/announce.ts";
import { containerProcesses } from "../proc/processes.ts";
import { runcContainer } from "../runtime/runc.ts";
import { type ArmedContainer, prepareRootfs } from "./arm.ts";
import { lastWords, type RestoreWatch, watchRestore } from "./stuck.ts";

export interface RestoreRequest {
  /** With lazy: where the pages are, if not in the images of the restore. */
  memory?: MemoryPlace;
  /** Told of each part of the way. */
  step?: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

export type MemoryPlace =
  /** A folder whose images have all pages. */
  | { from: "images"; folder: string }
  /** The frozen original; `listens` is told the path of the socket that takes its pages. */
  | { from: "source"; listens: (path: string) => void };

export interface RunningContainer {
  /** Settles when every page is in the container; see LazyPages. At once where the restore was not lazy. */
  drained: Promise<void>;
  /** Its memory will not come: it is killed. */
  abandon(): void;
}

/**
 * Restores an armed container from images and returns when it runs. Its writable layer is complete and its root unmounted.
 * @throws restore-failed with CRIU's reason; nothing of the container runs then
 */
export async function restoreArmed(armed: ArmedContainer, request: RestoreRequest = {}): Promise<RunningContainer> {
  const { images, work, lazy, keepConnections } = armed.request;
  const { step = (_name, part) => part() } = request;
  using watch = watchRestore({ work, pending: armed.pending.folder });
  const exited = exitOf(armed, work, watch);
  // Whoever waits for it hears of it; until then nobody may.
  exited.catch(() => {});
  await step("prepare root", () => Promise.race([prepareRootfs(armed), exited]));
  if (!lazy) {
    armed.lazyPages.stop();
    // An agent that starts meanwhile must not take it for a restore whose memory is lost.
    await markEager(work);
  }
  const place = request.memory ?? { from: "images", folder: images };
  const lazyPages = lazy ? await step("start lazy-pages", () => startLazyPages(armed, place)) : undefined;
  let unblock: PreparedUnblock | undefined;
  try {
    const locks = await lockOrders(images);
    if (locks) await armed.pending.retakeLocks(locks);
    const endConnections = !keepConnections && (await hasOuterConnections(images));
    const options = [...restoreOptions(armed.cgroupPath, endConnections), ...(locks ? ["leave-stopped"] : [])];
    await Promise.race([armed.pending.release(options), exited]);
    const pid = await step("make namespaces", () => Promise.race([armed.pending.namespaces, exited]));
    if (keepConnections && pid) unblock = prepareUnblock(pid);
    await step("connect network, make processes", () => exited);
    if (keepConnections) await step("unblock traffic", async () => (unblock ?? (await unblockOf(armed.id))).unblock());
    await step("verify", () => verify(armed.id));
    // The processes run; Docker's answer follows. A start that Docker then calls failed has been stopped by Docker.
    const started = armed.started.catch((error: Error) => {
      throw new GodwitError("restore-failed", `Docker could not start the restored container: ${error.message}`);
    });
    started.catch(() => {});
    // The runtime's `start` is still to come here, and must find that this container was restored.
    if (armed.pending.restoreInCreate) await started;
    return {
      drained: Promise.all([started, lazyPages?.drained]).then(() => {}),
      abandon: () => lazyPages?.stop(),
    };
  } catch (error) {
    unblock?.drop();
    armed.lazyPages.stop();
    throw error;
  }
}

async function startLazyPages({ lazyPages, request }: ArmedContainer, place: MemoryPlace): Promise<LazyPages> {
  const folder = place.from === "images" ? place.folder : request.images;
  const started = await lazyPages.start(await lazyOrders(folder, place.from));
  if (place.from === "source") place.listens(pagesSocket(request.work));
  return started;
}

/** Of a container that was restored inside `create`. */
const unblockOf = async (id: string): Promise<PreparedUnblock> => prepareUnblock((await runcContainer(id)).pid);

/** Waits for runc's end, or for Docker's if the runtime never got that far. */
async function exitOf(armed: ArmedContainer, work: string, watch: RestoreWatch): Promise<void> {
  const docker = armed.started.then(
    () => 0,
    () => 1,
  );
  const status = await Promise.race([
    armed.pending.exit,
    docker.then((code) => (code === 0 ? armed.pending.exit : code)),
  ]);
  if (status === 0) return;
  const refusal = await armed.started.then(
    () => "",
    (error: Error) => error.message,
  );
  if (armed.pending.killed)
    throw new GodwitError("restore-failed", `Docker could not start the restored container: ${refusal}`);
  const unlocked = await armed.pending.unlocked();
  if (unlocked)
    throw new GodwitError("restore-failed", `The restored container could not go on: ${unlocked}.`, {
      hint: "If something else uses the same files there, see that only this container does.",
    });
  if (watch.why() === "no progress")
    throw new GodwitError(
      "restore-failed",
      "CRIU made no progress while it restored the container, and was ended: one of its images is probably incomplete.",
      { details: await lastWords(work, 4) },
    );
  const log = await readFile(join(work, "restore.log"), "utf8").catch(() => "");
  const { sentence, details } = explainCriuLog(log || refusal);
  throw new GodwitError("restore-failed", `CRIU could not restore the container: ${sentence}`, { details });
}

/**
 * CRIU has restored all processes, and lets them run: what is left to see is the first one, which lives as long as the container. Any
 * other may have ended by now, new ones come, and each may run another program than when it was dumped.
 */
async function verify(id: string): Promise<void> {
  const { cgroup } = await runcContainer(id);
  if ((await containerProcesses(cgroup)).some(({ pid }) => pid === 1)) return;
  throw new GodwitError("restore-failed", "The container's main program ended by itself as soon as it was restored.", {
    hint: "CRIU interrupts a sleeping system call; a program that is nothing but one sleep takes that for its end.",
  });
}
