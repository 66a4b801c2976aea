import { copyFile, mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckpointRecord } from "../contract/checkpoint.ts";
import { freeze, thaw } from "../host/cgroup/freezer.ts";
import { dockerInitOf } from "../host/container/docker-init.ts";
import { endExecSessions, tellApart } from "../host/container/exec-sessions.ts";
import { containerName, fileTrees } from "../host/container/facts.ts";
import { acceptDockersFiles } from "../host/criu/images/docker-files.ts";
import { prepareConnections } from "../host/criu/images/inner-connections.ts";
import { refuseLostNames } from "../host/criu/images/link-remaps.ts";
import { prepareStateSaver } from "../host/criu/images/process-state.ts";
import { noteLostLocks } from "../host/criu/images/record-locks.ts";
import { markSemaphores } from "../host/criu/images/semaphores.ts";
import { mendTimers } from "../host/criu/images/timers.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { Instant } from "../host/files/tree-changes.ts";
import { mirrorTree, updateMirror } from "../host/files/tree-mirror.ts";
import { mappedFiles, treeBytes } from "../host/files/trees.ts";
import type { Host } from "../host/host.ts";
import { bothOf } from "../host/proc/both.ts";
import { run } from "../host/proc/process.ts";
import { type ContainerProcess, containerProcesses } from "../host/proc/processes.ts";
import { Looker } from "../host/quiet/look.ts";
import { freezeInQuiet, type QuietWorld, quietBudgetMs, warnOfInFlight } from "../host/quiet/quiet.ts";
import { sqliteInFlight } from "../host/quiet/sqlite.ts";
import { runcContainer } from "../host/runtime/runc.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import { ProcessDump } from "./memory/process-dump.ts";
import type { RecoveryRecord } from "./recovery/recovery-record.ts";
import type { CheckpointFolder } from "./store/store.ts";

/** A checkpoint that has no name yet. */
export type Captured = Omit<CheckpointRecord, "name" | "parent" | "createdAt">;

/**
 * Saves memory and files of a running container at one instant into a folder. It copies both while the container runs, so only what
 * has changed is left to copy under the freeze. With `end` all memory is. At the end it thaws the container, or calls `end`, which gets the container
 * frozen and kills it. On failure the container keeps running.
 */
export async function capture(
  host: Host,
  container: ContainerInspect,
  folder: CheckpointFolder,
  recovery: RecoveryRecord,
  context: OperationContext,
  end?: (captured: Captured) => Promise<void>,
): Promise<Captured> {
  const running = await runcContainer(container.Id);
  const trees = await fileTrees(host.engine, container, running.pid, await host.dockerRoot());
  const { criu, architecture } = await host.facts();
  const imageLayers = (await host.engine.imageLayers(container.Image)) ?? [];
  const saved: Instant[] = [];
  const saveTrees = async () => {
    for (const [index, tree] of trees.entries()) {
      await mkdir(folder.tree(index), { recursive: true, mode: 0o700 });
      saved.push(await mirrorTree(tree.path, folder.tree(index), context.signal));
    }
  };
  const saveChanges = async (processes: ContainerProcess[]) => {
    for (const [index, tree] of trees.entries()) {
      const since = saved[index] ?? { dated: 0, monotonic: 0 };
      const mapped = await mappedFiles(processes, tree);
      await updateMirror(tree.path, folder.tree(index), { since, mapped }, context.signal);
    }
  };
  const init = await dockerInitOf(running.pid);
  if (init) await copyFile(init, folder.init);
  context.phase("sync", "Copying files and memory while the container runs");
  await using undo = new AsyncDisposableStack();
  const capture = { host, running, name: containerName(container), recovery, context };
  const beginDump = async () => undo.use(await ProcessDump.begin(capture, folder, !end));
  const dump = await bothOf(beginDump(), context.step("copy files", {}, saveTrees));
  await dump.beforeFreeze();
  const state = prepareStateSaver(folder.images);
  undo.defer(state.drop);

  context.phase("switchover", "Freezing the container, saving memory and files");
  recovery.save({ frozen: container.Id });
  let frozenAt = 0;
  const looker = new Looker();
  undo.defer(() => looker.drop());
  const world: QuietWorld<ContainerProcess[]> = {
    running: () => containerProcesses(running.cgroup),
    async freeze() {
      looker.prepare();
      frozenAt = performance.now();
      await context.step("freeze", { switchover: true }, () => freeze(running));
      return containerProcesses(running.cgroup);
    },
    thaw: () => thaw(running),
    look: (processes) => looker.look(processes),
    lookAtLocks: sqliteInFlight,
    now: () => performance.now(),
    sleep: (ms) => sleep(ms, undefined, { signal: context.signal }),
  };
  try {
    const { processes: found, inFlight } = await freezeInQuiet(world, quietBudgetMs);
    warnOfInFlight(inFlight, context, end ? undefined : "The checkpoint does not have it; the container keeps it.");
    const processes = end ? await endExecSessions(found, running.pid) : (await tellApart(found, running.pid)).own;
    const beside = bothOf(
      context.step("copy changed files", { switchover: true }, () => saveChanges(found)),
      context.step("save other state", { switchover: true }, () => state.save(processes)),
    );
    await bothOf(
      context.step("dump", { switchover: true }, () => dump.run(processes)),
      beside,
    );
    await noteLostLocks(folder.images, processes);
    if (!end) await thaw(running);
    const frozenMs = Math.round(performance.now() - frozenAt);
    await refuseLostNames(folder.images, container);
    await mendTimers(folder.images);
    await markSemaphores(folder.images);
    await acceptDockersFiles(folder.images);
    await prepareConnections(folder.images, { endOuter: true });
    await dump.complete();
    // CRIU makes its images readable for everybody, but memory holds secrets.
    await run("chmod", ["-R", "go-rwx", folder.images]);
    const captured: Captured = {
      container: containerName(container),
      containerId: container.Id,
      image: container.Config.Image,
      imageId: container.Image,
      imageLayers,
      origin: "godwit",
      criuVersion: criu?.version ?? null,
      architecture,
      memoryBytes: await treeBytes(folder.images),
      filesBytes: (await Promise.all(trees.map((_, index) => treeBytes(folder.tree(index))))).reduce(
        (a, b) => a + b,
        0,
      ),
      frozenMs,
      frozenBytes: dump.frozenBytes,
      processes: processes.map(({ pid, command }) => ({ pid, command })),
      trees: trees.map(({ kind, name, destination }) => ({ kind, name, destination })),
      inspect: container,
    };
    await end?.(captured);
    return captured;
  } catch (error) {
    dump.drop();
    await thaw(running).catch(() => {});
    throw error;
  }
}
