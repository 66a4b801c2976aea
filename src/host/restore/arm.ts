import { appendFile, mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { cgroupFolder, cgroupPathOf } from "../cgroup/hierarchy.ts";
import { initPlace } from "../container/docker-init.ts";
import { mountRoot, type OverlayRoot, overlayMountedAt, unmountRoot } from "../container/layers.ts";
import type { LogEntry } from "../container/logs/log-tail.ts";
import { restoreOptions } from "../criu/options.ts";
import { type HeldLazyPages, holdLazyPages } from "../criu/restore/lazy-pages.ts";
import type { Engine } from "../engine/engine.ts";
import { arrivalBlockRules } from "../network/traffic-block.ts";
import { hookPath } from "../paths.ts";
import { networkSettings } from "./network-settings.ts";
import { PendingRestore } from "./pending.ts";

/** How a container will be restored: what must be known before its state is complete. */
export interface ArmRequest {
  tty: boolean;
  dockerRoot: string;
  /** Folder that will have all images of the dump. */
  images: string;
  /** Folder for CRIU's logs and sockets; made where it is missing. */
  work: string;
  /** Put memory in while it runs; where the host cannot, all of it is read before. */
  lazy: boolean;
  /** The container gets the address that it had, so that its connections go on. */
  keepConnections: boolean;
  /** The init of Docker's that it was run with (`--init`), kept here. */
  init: string | undefined;
}

/** A container whose start waits in the runtime hook: Docker, containerd, the shim and runc have done their part. */
export interface ArmedContainer {
  id: string;
  request: ArmRequest;
  pending: PendingRestore;
  /** Its root, unmounted until it is made ready: the writable layer may be written to. */
  root: OverlayRoot;
  /** That this is done, or under way; see `prepareRootfs`. */
  ready: Promise<void> | undefined;
  /** Its cgroup, as a path below the root of the hierarchy. */
  cgroupPath: string;
  /** The waiting runtime: its standard output and error are those that the container will have. */
  hookPid: number;
  /** Waits beside it, for a restore that puts memory in later. */
  lazyPages: HeldLazyPages;
  /** Docker's answer to the start; it settles after the restore. */
  started: Promise<void>;
}

/**
 * Starts a created container whose runtime is the hook, up to the point where it waits for its state.
 * @throws docker-failed where the start ends before that, with the container as it was
 */
export async function armContainer(engine: Engine, id: string, request: ArmRequest): Promise<ArmedContainer> {
  await mkdir(request.work, { recursive: true, mode: 0o700 });
  const pending = await PendingRestore.create(id, { restoreInCreate: request.tty });
  const started = engine.start(id);
  started.catch(() => {});
  try {
    const endedEarly = started.then(() => {
      throw new GodwitError(
        "hook-missing",
        `Docker started container ${id.slice(0, 12)} without asking the runtime hook.`,
        {
          hint: "Register it with: godwit setup",
        },
      );
    });
    const { bundle, hookPid } = await Promise.race([pending.armed, endedEarly]);
    if (request.keepConnections) await pending.blockTraffic(arrivalBlockRules);
    const hooks = { silence: request.keepConnections, wait: !request.tty };
    const { rootPath, cgroupPath } = await prepareBundle(bundle, hooks, pending, request.init);
    // What is killed by this path must never be more than the container.
    if (!cgroupPath.includes(id))
      throw new GodwitError("docker-failed", `Docker gives container ${id.slice(0, 12)} no cgroup of its own.`, {
        details: [cgroupPath],
      });
    const root = await overlayMountedAt(rootPath, request.dockerRoot);
    await unmountRoot(root);
    await pending.begin(restoreArguments(request));
    const lazyPages = holdLazyPages(cgroupFolder(cgroupPath), request.work);
    return { ready: undefined, id, request, pending, root, cgroupPath, hookPid, lazyPages, started };
  } catch (error) {
    await pending.refuse("the restore was given up before it began");
    await started.catch(() => {});
    await pending.remove();
    throw error;
  }
}

/**
 * Has Docker log what the container said elsewhere, as if it said it now. From the start on Docker keeps its log open and knows
 * its size, so that nothing may be written into the file behind its back. Not for a container with a terminal.
 */
export async function replayLogTail(armed: ArmedContainer, entries: LogEntry[]): Promise<void> {
  const outputs = { stdout: `/proc/${armed.hookPid}/fd/1`, stderr: `/proc/${armed.hookPid}/fd/2` };
  for (const { stream, text } of entries) await appendFile(outputs[stream], text);
}

/**
 * Its files are complete: mounts its root, and has runc prepare it, up to the start of the CRIU that restores. Harmless where it
 * was done before.
 */
export function prepareRootfs(armed: ArmedContainer): Promise<void> {
  armed.ready ??= mountRoot(armed.root).then(() =>
    armed.pending.prepareRootfs(restoreOptions(armed.cgroupPath, !armed.request.keepConnections)),
  );
  return armed.ready;
}

/**
 * Gives an armed container up: its start fails, and nothing of it has run. The container itself stays, created. Nothing is
 * left to give up of one that was restored.
 */
export async function disarmContainer(armed: ArmedContainer, sentence: string): Promise<void> {
  if (armed.pending.closed) return;
  armed.lazyPages.stop();
  // Docker unmounts it.
  if (!armed.ready) await mountRoot(armed.root).catch(() => {});
  await armed.pending.refuse(sentence);
  await armed.started.catch(() => {});
}

function restoreArguments({ images, work, lazy }: ArmRequest): string[] {
  return [
    ...["--empty-ns", "network", "--ext-unix-sk", "--file-locks", "--tcp-established"],
    ...["--image-path", images, "--work-path", work],
    ...(lazy ? ["--lazy-pages"] : []),
  ];
}

/**
 * Adds hooks of ours: silence before Docker's own; settings of the network after them, as runc would make them, and waiting. Gives
 * the path of the root file system and of the cgroup.
 */
async function prepareBundle(
  bundle: string,
  ours: { silence: boolean; wait: boolean },
  pending: PendingRestore,
  init: string | undefined,
): Promise<{ rootPath: string; cgroupPath: string }> {
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as {
    root: { path: string };
    linux: { cgroupsPath: string; sysctl?: Record<string, string> };
    mounts?: { type?: string; source?: string; destination: string }[];
    hooks?: { prestart?: { path: string; args: string[] }[] };
  };
  // CRIU does not follow a link at the source of a bind mount, where runc does; Docker's own init often is one.
  for (const mount of config.mounts ?? []) {
    const { type, source, destination } = mount;
    if (init && destination === initPlace) mount.source = init;
    else if (type === "bind" && source) mount.source = await realpath(source).catch(() => source);
  }
  const settings = networkSettings(config.linux.sysctl);
  if (settings.length > 0) await pending.setNetwork(settings);
  const hook = (name: string, wanted: boolean) =>
    wanted ? [{ path: hookPath, args: ["godwit-runtime", name, pending.folder] }] : [];
  config.hooks ??= {};
  config.hooks.prestart = [
    ...hook("--silence", ours.silence),
    ...(config.hooks.prestart ?? []),
    ...(ours.wait ? hook("--prestart", true) : hook("--sysctl", settings.length > 0)),
  ];
  await writeFile(path, JSON.stringify(config));
  return {
    rootPath: isAbsolute(config.root.path) ? config.root.path : join(bundle, config.root.path),
    cgroupPath: cgroupPathOf(config.linux.cgroupsPath),
  };
}
