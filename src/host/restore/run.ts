import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { countedCgroup } from "../cgroup/ahead.ts";
import { hasOuterConnections } from "../criu/images/inner-connections.ts";
import { savedState } from "../criu/images/process-state.ts";
import { lockOrders } from "../criu/images/record-locks.ts";
import { restoreOptions } from "../criu/options.ts";
import { explainCriuLog } from "../criu/reason.ts";
import { lazyOrders, type StorePlace } from "../criu/restore/lazy-orders.ts";
import { type LazyPages, markEager, pagesSocket } from "../criu/restore/lazy-pages.ts";
import { type PreparedUnblock, prepareUnblock } from "../network/announce.ts";
import { statePath } from "../paths.ts";
import { containerProcesses } from "../proc/processes.ts";
import { runcContainer } from "../runtime/runc.ts";
import { type ArmedContainer, prepareRootfs } from "./arm.ts";
import { lastWords, type RestoreWatch, watchRestore } from "./stuck.ts";

export interface RestoreRequest {
  /** Where the pages of a lazy restore are; by default in the images of the restore. */
  memory?: MemoryPlace;
  /** Called around each step of the restore. */
  step?: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** Where the pages of a lazy restore come from. */
export type MemoryPlace =
  /** From a folder whose images have all pages. */
  | { from: "images"; folder: string }
  /**
   * From a folder with a sparse file for each process, `PID.memory`, in which each page lies at its own address; what is missing there
   * as from the source, and what another process has as well only in the file of that one.
   */
  | (StorePlace & { listens?: Listens })
  /** From the frozen original. */
  | { from: "source"; listens: Listens };

/** Is called with the path of the socket that takes pages of the source. */
type Listens = (path: string) => void;

/** A container that was restored and runs. */
export interface RunningContainer {
  /** What of its state could not be put back, a phrase each. */
  unrestored: string[];
  /** Settles when every page is in the container and Docker has confirmed the start. @throws restore-failed; see LazyPages */
  drained: Promise<void>;
  /** Kills the container, because its memory will not come. Does nothing after a restore that was not lazy. */
  abandon(): void;
}

/**
 * Restores an armed container from images and returns when it runs. Before, its writable layer must be complete and its root
 * unmounted.
 * @throws restore-failed with CRIU's reason; no process of the container runs then
 */
export async function restoreArmed(armed: ArmedContainer, request: RestoreRequest = {}): Promise<RunningContainer> {
  const { images, work, lazy, keepConnections } = armed.request;
  const { step = (_name, part) => part() } = request;
  using watch = watchRestore({ work, pending: armed.pending.folder });
  const exited = exitOf(armed, work, watch);
  // The failure is thrown where `exited` is awaited. Until then it must not count as unhandled.
  exited.catch(() => {});
  await step("prepare root", () => Promise.race([prepareRootfs(armed), exited]));
  // What has come since it was armed. runc has its cgroup by now.
  await armed.request.charge?.(() => countedCgroup(armed.cgroupPath));
  if (!lazy) {
    armed.lazyPages.stop();
    // Without this mark, an agent that starts meanwhile could take the memory for lost.
    await markEager(work);
  }
  const place = request.memory ?? { from: "images", folder: images };
  const lazyPages = lazy ? await step("start lazy-pages", () => startLazyPages(armed, place)) : undefined;
  let unblock: PreparedUnblock | undefined;
  try {
    const locks = await lockOrders(images);
    if (locks) await armed.pending.retakeLocks(locks);
    const endConnections = !keepConnections && (await hasOuterConnections(images));
    const state = savedState(images);
    if (state) await armed.pending.putBack(state);
    const options = [
      ...restoreOptions(armed.cgroupPath, endConnections),
      ...(locks ? ["leave-stopped"] : []),
      ...(state ? [`action-script ${statePath}`] : []),
    ];
    await Promise.race([armed.pending.release(options), exited]);
    const pid = await step("make namespaces", () => Promise.race([armed.pending.namespaces, exited]));
    if (keepConnections && pid) unblock = prepareUnblock(pid);
    await step("connect network, make processes", () => exited);
    if (keepConnections) await step("unblock traffic", async () => (unblock ?? (await unblockOf(armed.id))).unblock());
    await step("verify", () => verify(armed.id));
    // The processes run, and Docker's answer comes later. If Docker reports a failed start, it has stopped the container.
    const started = armed.started.catch((error: Error) => {
      throw new GodwitError("restore-failed", `Docker could not start the restored container: ${error.message}`);
    });
    started.catch(() => {});
    // The hook's `start` comes later in this case, and must find that the container was restored.
    if (armed.pending.restoreInCreate) await started;
    return {
      unrestored: await armed.pending.unrestored(),
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
  const started = await lazyPages.start(
    await lazyOrders(place.from === "images" ? place.folder : request.images, place),
  );
  if ("listens" in place) place.listens?.(pagesSocket(request.work));
  return started;
}

/** For a container that was restored inside `create`. */
const unblockOf = async (id: string): Promise<PreparedUnblock> => prepareUnblock((await runcContainer(id)).pid);

/** Returns when `runc restore` has succeeded. Docker's answer counts if runc has not started. @throws restore-failed with the reason */
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
  const failure = await armed.started.then(
    () => undefined,
    (error: Error) => error,
  );
  const refusal = failure?.message ?? "";
  if (failure instanceof GodwitError && failure.code === "docker-unreachable") throw failure;
  if (armed.pending.killed)
    throw new GodwitError("restore-failed", `Docker could not start the restored container: ${refusal}`);
  const failed = await armed.pending.failed();
  if (failed)
    throw new GodwitError("restore-failed", `The restored container could not go on: ${failed}.`, {
      ...(failed.includes("lock") ? { hint: "If another program on that host uses the same files, stop it." } : {}),
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
 * Checks that the first process exists. It lives as long as the container. All other processes run too and may change at once: they
 * end, start new ones, and run other programs.
 */
async function verify(id: string): Promise<void> {
  const { cgroup } = await runcContainer(id);
  if ((await containerProcesses(cgroup)).some(({ pid }) => pid === 1)) return;
  throw new GodwitError("restore-failed", "The container's main program ended by itself as soon as it was restored.", {
    hint: "Some system calls that wait return early (EINTR) after a restore; a program that does not expect it may end.",
  });
}
