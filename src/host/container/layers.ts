import { dirname, isAbsolute, join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import type { ContainerInspect } from "../engine/inspect.ts";
import { type Mount, mountsOf } from "../proc/mountinfo.ts";
import { run } from "../proc/process.ts";

/** The overlay mount that is a container's root file system. */
export interface OverlayRoot {
  /** Absolute path of the writable layer's folder. */
  upper: string;
  /** Its mount point, as in the mount table that was read. */
  mountpoint: string;
  /** Its mount options. Paths of layers in them may be relative to `base`. */
  options: string;
  /** The folder that relative paths of layers start from. */
  base: string;
}

/**
 * The root of a running container, by its first process. It comes from the kernel's mount table, so that it works for the overlay2
 * graph driver and for the containerd image store.
 * @throws unsupported-container for another storage driver
 */
export async function overlayRootOf(pid: number, dockerRoot: string): Promise<OverlayRoot> {
  return requireOverlay(findOverlay(await mountsOf(pid), "/", dockerRoot), `process ${pid}`);
}

/** The overlay that is mounted at a path of this host. @throws unsupported-container where there is none */
export async function overlayMountedAt(path: string, dockerRoot: string): Promise<OverlayRoot> {
  return requireOverlay(findOverlay(await mountsOf("self"), path, dockerRoot), path);
}

/** The overlay that was mounted last at `mountpoint`. */
function findOverlay(mounts: Mount[], mountpoint: string, dockerRoot: string): OverlayRoot | undefined {
  const overlays = mounts.filter((mount) => mount.type === "overlay" && mount.mountpoint === mountpoint);
  for (const { superOptions } of overlays.reverse()) {
    const options = superOptions
      .split(",")
      .filter((option) => option !== "rw" && option !== "ro")
      .join(",");
    const upper = options.match(/(?:^|,)upperdir=([^,]+)/)?.[1];
    if (!upper) continue;
    const base = join(dockerRoot, "overlay2");
    return { upper: isAbsolute(upper) ? upper : join(base, upper), mountpoint, options, base };
  }
  return undefined;
}

/**
 * Unmounts the root of a container in which nothing runs, so that its layers may be written to. While an overlay is mounted, the
 * kernel does not define what a change of its layers does.
 */
export async function unmountRoot(root: OverlayRoot): Promise<void> {
  await run("umount", [root.mountpoint]);
}

export async function mountRoot(root: OverlayRoot): Promise<void> {
  await run("mount", ["-t", "overlay", "overlay", "-o", root.options, root.mountpoint], {
    cwd: isAbsolute(root.base) ? root.base : dirname(root.upper),
  });
}

function requireOverlay(root: OverlayRoot | undefined, where: string): OverlayRoot {
  if (root) return root;
  throw new GodwitError("unsupported-container", `The root file system of ${where} is not an overlay mount.`, {
    hint: "godwit carries containers of the overlay2 storage driver and of the containerd image store; see: docker info -f '{{.Driver}}'",
  });
}

/**
 * The folder of the writable layer of a container that does not run; undefined where it is not found. The kernel has no mount of it,
 * so Docker or containerd names it.
 */
export async function stoppedLayer(container: ContainerInspect): Promise<string | undefined> {
  const graph = container.GraphDriver as { Data?: { UpperDir?: string } | null } | null | undefined;
  if (graph?.Data?.UpperDir) return graph.Data.UpperDir;
  const mounts = await run("ctr", [
    "-n",
    "moby",
    "snapshots",
    "--snapshotter",
    "overlayfs",
    "mounts",
    "/",
    container.Id,
  ]).catch(() => "");
  return mounts.match(/upperdir=([^,\s]+)/)?.[1];
}
