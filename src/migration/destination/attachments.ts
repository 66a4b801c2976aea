import { existsSync } from "node:fs";
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, normalize } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { createNetwork, findNetwork, removeNetwork } from "../../host/engine/networks.ts";
import type { Host } from "../../host/host.ts";
import type { ArrivalRecord } from "./record.ts";

/**
 * Makes the volumes and networks of a container that comes, and the paths of its bind mounts that are copied. What is made is
 * noted in its record before. @throws docker-failed, preflight-failed
 */
export async function makeAttachments(host: Host, record: ArrivalRecord, save: () => void): Promise<void> {
  const { container, trees, choices } = record.offer;
  for (const { name, driver, labels, options, anonymous } of container.volumes) {
    if (anonymous || driver !== "local" || (await host.docker.volume(name))) continue;
    record.volumes.push(name);
    save();
    await host.docker.createVolume(name, { labels, options });
  }
  for (const network of choices.createNetworks ? container.networkFacts : []) {
    if (await findNetwork(host.docker, network.name)) continue;
    record.networks.push(network.name);
    save();
    await createNetwork(host.docker, network);
  }
  // A folder before what is bound below it, in whatever order Docker names them.
  const binds = trees.filter(({ kind }) => kind === "bind").sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const { name, file } of binds) await makePath(name, file, record, save);
}

/** Removes all that was made. A network that another container uses by now stays. */
export async function removeAttachments(host: Host, record: ArrivalRecord): Promise<void> {
  for (const volume of record.volumes) await host.docker.removeVolume(volume);
  for (const network of record.networks) await removeNetwork(host.docker, network).catch(() => {});
  for (const path of record.paths) await rm(path, { recursive: true, force: true });
  for (const folder of record.folders.toReversed()) await rmdir(folder).catch(() => {});
}

/** A path that is there already is somebody's, unless another bind mount of the same container has just made it. */
async function makePath(path: string, file: boolean, record: ArrivalRecord, save: () => void): Promise<void> {
  if (!isAbsolute(path) || normalize(path) !== path) {
    throw new GodwitError("preflight-failed", `The bind mount's source ${path} is no plain absolute path.`);
  }
  const ours = record.paths.some((made) => path === made || path.startsWith(`${made}/`));
  if (existsSync(path)) {
    if (ours) return;
    throw new GodwitError("preflight-failed", `The path ${path} exists already, and would be overwritten.`);
  }
  const missing: string[] = [];
  for (let folder = dirname(path); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
  record.folders.push(...missing);
  record.paths.push(path);
  save();
  await mkdir(file ? dirname(path) : path, { recursive: true });
  if (file) await writeFile(path, "", { flag: "wx" });
}
