import { readFile, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { mountRoot, type OverlayRoot, overlayMountedAt, unmountRoot } from "../container/layers.ts";
import type { Docker } from "../docker/docker.ts";
import { hookPath } from "../paths.ts";
import { PendingRestore } from "./pending.ts";

/** A container whose start waits in the runtime hook: Docker, containerd and the shim have done their part. */
export interface ArmedContainer {
  id: string;
  pending: PendingRestore;
  /** Its root, unmounted: the writable layer may be written to. */
  root: OverlayRoot;
  /** What runc keeps its state under. */
  runcRoot: string;
  /** Docker's answer to the start; it settles after the restore. */
  started: Promise<void>;
}

/**
 * Starts a created container whose runtime is the hook, up to the point where it waits for its state.
 * @throws docker-failed where the start ends before that, with the container as it was
 */
export async function armContainer(
  docker: Docker,
  id: string,
  options: { tty: boolean; dockerRoot: string },
): Promise<ArmedContainer> {
  const pending = await PendingRestore.create(id, { whole: options.tty });
  const started = docker.start(id);
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
    const bundle = await Promise.race([pending.armed, endedEarly]);
    const rootPath = await prepareBundle(bundle, options.tty ? undefined : pending.folder);
    const root = await overlayMountedAt(rootPath, options.dockerRoot);
    await unmountRoot(root);
    return { id, pending, root, runcRoot: "/run/docker/runtime-runc/moby", started };
  } catch (error) {
    await pending.refuse("the restore was given up before it began");
    await started.catch(() => {});
    await pending.remove();
    throw error;
  }
}

/** Gives an armed container up: its start fails, and nothing of it has run. The container itself stays, created. */
export async function disarmContainer(armed: ArmedContainer, sentence: string): Promise<void> {
  await mountRoot(armed.root).catch(() => {});
  await armed.pending.refuse(sentence);
  await armed.started.catch(() => {});
}

/** Adds the hook that CRIU waits in, and gives the path of the root file system. */
async function prepareBundle(bundle: string, waitsIn: string | undefined): Promise<string> {
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as {
    root: { path: string };
    hooks?: { prestart?: { path: string; args: string[] }[] };
  };
  if (waitsIn) {
    config.hooks ??= {};
    config.hooks.prestart = [
      ...(config.hooks.prestart ?? []),
      { path: hookPath, args: ["godwit-runtime", "--prestart", waitsIn] },
    ];
    await writeFile(path, JSON.stringify(config));
  }
  return isAbsolute(config.root.path) ? config.root.path : join(bundle, config.root.path);
}
