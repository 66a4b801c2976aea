import { totalmem } from "node:os";
import type { ContainerFacts } from "../../contract/facts.ts";
import { skipsUnused } from "../criu/features.ts";
import { isAskedFor } from "../engine/create/create-ports.ts";
import type { Engine } from "../engine/engine.ts";
import type { ContainerInspect } from "../engine/inspect.ts";
import { type FileTree, type OwnTree, treeBytes } from "../files/trees.ts";
import { containerProcesses, pidsBelow } from "../proc/processes.ts";
import { findRuncContainer, type RuncContainer } from "../runtime/runc.ts";
import { readNetworks, readVolumes } from "./attachments.ts";
import { tellApart } from "./exec-sessions.ts";
import { overlayRootOf } from "./layers.ts";
import { joinedBy, type Neighbours, namespaceSharersOf, readNeighbours } from "./namespace-sharers.ts";
import { obstaclesOf } from "./obstacles.ts";
import { readSharedMemory } from "./shared-memory.ts";
import { openFiles } from "./unsupported.ts";

const nothingShared: ContainerFacts["shared"] = { memoryBytes: 0, hugeBytes: 0, tmpfsBytes: 0, lockedBytes: 0 };

export function containerName(container: ContainerInspect): string {
  return container.Name.replace(/^\//, "");
}

/** What a move needs to know about a container. It measures sizes, which takes as long as a walk over the container's files. */
export async function readContainerFacts(
  engine: Engine,
  container: ContainerInspect,
  dockerRoot: string,
): Promise<ContainerFacts> {
  const running = await runningContainer(container);
  const trees = running ? await fileTrees(engine, container, running.pid, dockerRoot).catch(() => []) : [];
  const [facts, volumes, networks, execSessions, sizes, shared] = await Promise.all([
    readNeighbours(engine).then((neighbours) => examine(container, neighbours, { memory: true })),
    readVolumes(engine, container),
    readNetworks(engine, container),
    engine.execSessions(container),
    Promise.all(trees.map(async (tree) => ({ kind: tree.kind, bytes: await treeBytes(tree.path) }))),
    running ? sharedMemoryOf(running) : nothingShared,
  ]);
  const sum = (kind: FileTree["kind"]) =>
    sizes.filter((size) => size.kind === kind).reduce((total, { bytes }) => total + bytes, 0);
  return {
    ...facts,
    volumes,
    networkFacts: networks,
    execSessions,
    memoryBytes: facts.memoryBytes + shared.memoryBytes + shared.tmpfsBytes,
    shared,
    writableBytes: sum("writable-layer"),
    volumeBytes: sum("volume"),
  };
}

/**
 * Facts from `docker inspect`, from the container's processes and from its neighbours. Takes milliseconds, because it measures no
 * files: `writableBytes` and `volumeBytes` are 0.
 * @param options `memory` also measures the private memory of the processes; the time for that grows with the memory
 */
export async function examine(
  container: ContainerInspect,
  neighbours: Neighbours,
  options: { memory?: boolean } = {},
): Promise<ContainerFacts> {
  const running = await runningContainer(container);
  const found = running ? await containerProcesses(running.cgroup, options) : [];
  const processes = running ? (await tellApart(found, running.pid)).own : [];
  return {
    ...describe(container),
    namespaceSharers: namespaceSharersOf(container, neighbours),
    joined: joinedBy(container, neighbours),
    memoryBytes: processes.reduce((total, { memoryBytes }) => total + memoryBytes, 0),
    copiedBytes: processes.reduce((total, { copiedBytes }) => total + copiedBytes, 0),
    processes: processes.length,
    otherUsers: processes.flatMap(({ pid, command, as }) => (as === undefined ? [] : [{ pid, command, as }])),
    ...(await openFiles(processes)),
    obstacles: await obstaclesOf(processes, (await skipsUnused()) ? undefined : totalmem()),
  };
}

/** Undefined where the container does not run, or does not run under runc. */
async function runningContainer(container: ContainerInspect): Promise<RuncContainer | undefined> {
  return container.State.Running ? findRuncContainer(container.Id) : undefined;
}

/** See `readSharedMemory`. Takes a few milliseconds. */
export async function sharedMemoryOf({ cgroup, pid }: RuncContainer): Promise<ContainerFacts["shared"]> {
  return readSharedMemory(await pidsBelow(cgroup), pid);
}

/** The trees of a running container: the writable layer first, then every local volume. */
export async function fileTrees(
  engine: Engine,
  container: ContainerInspect,
  pid: number,
  dockerRoot: string,
): Promise<OwnTree[]> {
  const root = await overlayRootOf(pid, dockerRoot);
  return [
    { kind: "writable-layer", name: containerName(container), destination: "/", path: root.upper },
    ...(await volumeTrees(engine, container)),
  ];
}

/** The volumes whose files lie in a folder of Docker's. A volume that mounts a device has its files elsewhere. */
export async function volumeTrees(engine: Engine, container: ContainerInspect): Promise<OwnTree[]> {
  const trees = (container.Mounts ?? []).map(async (mount): Promise<OwnTree | undefined> => {
    if (mount.Type !== "volume" || !mount.Name) return undefined;
    const volume = await engine.volume(mount.Name);
    if (volume?.driver !== "local" || volume.options.device) return undefined;
    return { kind: "volume", name: mount.Name, destination: mount.Destination, path: volume.mountpoint };
  });
  return (await Promise.all(trees)).filter((tree) => tree !== undefined);
}

/** Facts from `docker inspect` alone. Sizes are 0, and what the processes would tell is empty. */
export function describe(container: ContainerInspect): ContainerFacts {
  const host = container.HostConfig;
  return {
    id: container.Id,
    name: containerName(container),
    image: container.Config.Image,
    imageId: container.Image,
    state: container.State.Status,
    running: container.State.Running,
    runtime: host.Runtime ?? "runc",
    memoryBytes: 0,
    copiedBytes: 0,
    shared: nothingShared,
    writableBytes: 0,
    volumeBytes: 0,
    processes: 0,
    mounts: (container.Mounts ?? []).map((mount) => ({
      type: mount.Type,
      ...(mount.Name ? { name: mount.Name } : {}),
      source: mount.Source ?? "",
      destination: mount.Destination,
      ...(mount.Driver ? { driver: mount.Driver } : {}),
      readOnly: mount.RW === false,
    })),
    volumes: [],
    ports: Object.entries(container.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) =>
      (bindings ?? []).map(({ HostIp, HostPort }) => ({
        container: port,
        hostIp: HostIp ?? "",
        hostPort: Number(HostPort ?? 0),
        chosen: !isAskedFor(host.PortBindings, port, HostPort ?? ""),
      })),
    ),
    networkMode: host.NetworkMode ?? "default",
    networks: Object.keys(container.NetworkSettings.Networks ?? {}),
    networkFacts: [],
    logDriver: host.LogConfig?.Type ?? "",
    restartPolicy: host.RestartPolicy?.Name || "no",
    autoRemove: host.AutoRemove ?? false,
    privileged: host.Privileged ?? false,
    tty: container.Config.Tty ?? false,
    devices: (host.Devices ?? []).map((device) => device.PathOnHost ?? "?"),
    gpus: (host.DeviceRequests ?? []).map(
      (request) => request.Driver || request.Capabilities?.flat().join(",") || "device",
    ),
    pidMode: host.PidMode ?? "",
    ipcMode: host.IpcMode ?? "",
    namespaceSharers: [],
    joined: [],
    otherUsers: [],
    pinned: [],
    hugePages: [],
    unsupported: [],
    unrestorable: [],
    obstacles: [],
    execSessions: [],
    inspect: container,
  };
}
