import { appendFile, mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { makeCgroupAhead } from "../cgroup/ahead.ts";
import { cgroupFolder, cgroupPathOf } from "../cgroup/hierarchy.ts";
import { initPlace } from "../container/docker-init.ts";
import { mountRoot, type OverlayRoot, overlayMountedAt, unmountRoot } from "../container/layers.ts";
import type { LogEntry } from "../container/logs/log-tail.ts";
import { restoreOptions } from "../criu/options.ts";
import { endLazyPagesOf, type HeldLazyPages, holdLazyPages } from "../criu/restore/lazy-pages.ts";
import type { Engine } from "../engine/engine.ts";
import { arrivalBlockRules } from "../network/traffic-block.ts";
import { hookPath } from "../paths.ts";
import { networkSettings } from "./network-settings.ts";
import { PendingRestore, removeCgroupAhead } from "./pending.ts";
import { endRestore } from "./stuck.ts";

/** What must be known about a restore before the state of the container is complete. */
export interface ArmRequest {
  tty: boolean;
  dockerRoot: string;
  /** Folder that gets all images of the dump. */
  images: string;
  /** Folder for CRIU's logs and sockets. It is made where it is missing. */
  work: string;
  /** Memory comes into the container while it runs. Otherwise CRIU reads all of it before. */
  lazy: boolean;
  /** The container gets the address that it had, so that its connections go on. */
  keepConnections: boolean;
  /** Path on this host of the Docker init that the container was run with (`--init`). */
  init: string | undefined;
  /** Charges a cgroup, by its folder, with the memory that has come until now; undefined where the kernel counts none. */
  charge?: (cgroupOf: () => Promise<string | undefined>) => Promise<void>;
}

/** A container whose start waits in the runtime hook: Docker, containerd, the shim and runc have done their part. */
export interface ArmedContainer {
  id: string;
  request: ArmRequest;
  pending: PendingRestore;
  /** Its root. It is not mounted until `prepareRootfs`, so that the writable layer may be written to. */
  root: OverlayRoot;
  /** Set by `prepareRootfs`; settles when the root is prepared. */
  ready: Promise<void> | undefined;
  /** Its cgroup, as a path below the root of the hierarchy. */
  cgroupPath: string;
  /** Process of the waiting runtime hook. Its standard output and error become those of the container. */
  hookPid: number;
  /** The waiting program for a lazy restore. */
  lazyPages: HeldLazyPages;
  /** Docker's answer to the start. It settles after the restore. */
  started: Promise<void>;
}

/**
 * Starts a created container whose runtime is the hook, and returns when the hook waits for the container's state.
 * @throws docker-failed where the start fails, hook-missing where Docker did not call the hook. The container is then as it was.
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
    // This path is used to kill the container, so it must never hold other processes.
    if (!cgroupPath.includes(id))
      throw new GodwitError("docker-failed", `Docker gives container ${id.slice(0, 12)} no cgroup of its own.`, {
        details: [cgroupPath],
      });
    const root = await overlayMountedAt(rootPath, request.dockerRoot);
    await unmountRoot(root);
    await chargeAhead(pending, cgroupPath, request);
    await pending.begin(restoreArguments(request));
    const lazyPages = holdLazyPages(cgroupFolder(cgroupPath), request.work);
    return { ready: undefined, id, request, pending, root, cgroupPath, hookPid, lazyPages, started };
  } catch (error) {
    await pending.refuse("the restore was given up before it began");
    await started.catch(() => {});
    await removeCgroupAhead(id);
    await pending.remove();
    throw error;
  }
}

/**
 * Gives Docker log entries of the source as if the container wrote them now. The log file itself must not be written, because Docker
 * keeps it open from the start on and remembers its size. Not for a container with a terminal.
 */
export async function replayLogTail(armed: ArmedContainer, entries: LogEntry[]): Promise<void> {
  const outputs = { stdout: `/proc/${armed.hookPid}/fd/1`, stderr: `/proc/${armed.hookPid}/fd/2` };
  for (const { stream, text } of entries) await appendFile(outputs[stream], text);
}

/**
 * Mounts the root, and lets runc prepare it and start the CRIU that restores, which waits. The container's files must be complete.
 * Harmless where it was done before.
 */
export function prepareRootfs(armed: ArmedContainer): Promise<void> {
  armed.ready ??= mountRoot(armed.root).then(() =>
    armed.pending.prepareRootfs(restoreOptions(armed.cgroupPath, !armed.request.keepConnections)),
  );
  return armed.ready;
}

/**
 * Gives an armed container up: its start fails with `sentence`, and no process of it has run. The container stays in the state
 * `created`. Does nothing for a container that was restored.
 */
export async function disarmContainer(armed: ArmedContainer, sentence: string): Promise<void> {
  if (armed.pending.closed) return;
  armed.lazyPages.stop();
  // Docker expects the root to be mounted, and unmounts it.
  if (!armed.ready) await mountRoot(armed.root).catch(() => {});
  await armed.pending.refuse(sentence);
  await armed.started.catch(() => {});
}

/**
 * Ends a restore that an agent before this one has begun, by its work folder. CRIU may wait for pages that will not come, and Docker
 * waits for CRIU: it would answer no request about the container.
 */
export async function endLeftRestore(work: string): Promise<void> {
  await endLazyPagesOf(work);
  await endRestore(work);
}

/** Charges the container while it costs no downtime. Not later: runc must find the cgroup without a process. */
async function chargeAhead(pending: PendingRestore, cgroupPath: string, { charge }: ArmRequest): Promise<void> {
  if (!charge) return;
  await pending.noteCgroup(cgroupFolder(cgroupPath));
  await charge(() => makeCgroupAhead(cgroupPath));
}

function restoreArguments({ images, work, lazy }: ArmRequest): string[] {
  return [
    ...["--empty-ns", "network", "--ext-unix-sk", "--file-locks", "--tcp-established"],
    ...["--image-path", images, "--work-path", work],
    ...(lazy ? ["--lazy-pages"] : []),
  ];
}

/**
 * Changes the bundle's config.json. It adds godwit's prestart hooks: `silence` blocks traffic before Docker's own hooks run; the last
 * hook makes the network settings, which runc would make otherwise, and waits. It also makes the sources of bind mounts real paths.
 * @returns the path of the root file system, and that of the cgroup
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
  // CRIU, unlike runc, does not follow a symbolic link at the source of a bind mount. Docker's init often is such a link.
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
