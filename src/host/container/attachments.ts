import { stat } from "node:fs/promises";
import { isUserNetwork, type NetworkFacts, type VolumeFacts } from "../../contract/attachments.ts";
import { createSource } from "../../contract/create-source.ts";
import { anonymousTargets } from "../engine/create/create-mounts.ts";
import type { Engine } from "../engine/engine.ts";
import type { ContainerInspect } from "../engine/inspect.ts";
import type { FileTree } from "../files/trees.ts";

/** What Docker knows of a container's volumes, with the names of the other containers that use each of them. */
export async function readVolumes(engine: Engine, container: ContainerInspect): Promise<VolumeFacts[]> {
  const anonymous = anonymousTargets(createSource.parse(container));
  const read = (container.Mounts ?? []).map(async ({ Type, Name, Destination }): Promise<VolumeFacts | undefined> => {
    const found = Type === "volume" && Name ? await engine.volume(Name) : undefined;
    if (!Name || !found) return undefined;
    const { driver, labels, options } = found;
    const users = (await engine.volumeUsers(Name)).filter(({ Id }) => Id !== container.Id);
    return {
      ...{ name: Name, driver, labels, options, anonymous: anonymous.has(Destination) },
      users: users.map(({ Names, Id }) => Names[0]?.replace(/^\//, "") ?? Id.slice(0, 12)).sort(),
    };
  });
  return (await Promise.all(read)).filter((volume) => volume !== undefined);
}

/** The networks of a container that a user made. */
export async function readNetworks(engine: Engine, container: ContainerInspect): Promise<NetworkFacts[]> {
  const names = Object.keys(container.NetworkSettings.Networks ?? {}).filter(isUserNetwork);
  const found = await Promise.all(names.map((name) => engine.findNetwork(name)));
  return found.flatMap((network) => (network ? [network.facts] : []));
}

/** The bind mounts of a container that are files or folders. Other kinds, such as sockets and devices, belong to their host. */
export async function bindTrees(container: ContainerInspect): Promise<FileTree[]> {
  const binds = (container.Mounts ?? []).filter(({ Type }) => Type === "bind");
  const trees = binds.map(async ({ Source, Destination }): Promise<FileTree | undefined> => {
    const found = Source ? await stat(Source).catch(() => undefined) : undefined;
    if (!Source || !(found?.isFile() || found?.isDirectory())) return undefined;
    return { kind: "bind", name: Source, destination: Destination, path: Source, file: found.isFile() };
  });
  return (await Promise.all(trees)).filter((tree) => tree !== undefined);
}
