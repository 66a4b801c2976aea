import { existsSync } from "node:fs";
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, normalize } from "node:path";
import { GodwitError } from "../../../contract/errors.ts";
import type { Host } from "../../../host/host.ts";
import type { IncomingRecord } from "../record.ts";

/**
 * Makes the volumes and networks of a container that comes, and the paths of its bind mounts that are copied. What is made is
 * noted in its record before. @throws docker-failed, preflight-failed
 */
export async function makeAttachments(host: Host, record: IncomingRecord, save: () => void): Promise<void> {
  const { container, trees, choices } = record.request;
  for (const { name, driver, labels, options, anonymous } of container.volumes) {
    if (anonymous || driver !== "local" || (await host.engine.volume(name))) continue;
    record.volumes.push(name);
    save();
    await host.engine.createVolume(name, { labels, options });
  }
  for (const network of choices.createNetworks ? container.networkFacts : []) {
    if (await host.engine.findNetwork(network.name)) continue;
    record.networks.push(network.name);
    save();
    await host.engine.createNetwork(network);
  }
  // A folder before what is bound below it, in whatever order Docker names them.
  const binds = trees.filter(({ kind }) => kind === "bind").sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const { name, file } of binds) await makePath(name, file, record, save);
}

/**
 * Removes all that was made, each thing once: the record forgets it then, because the same name may be somebody else's later. A volume
 * or network that another container uses by now stays, and so does a folder that something else lies in.
 */
export async function removeAttachments({ engine }: Host, record: IncomingRecord, save: () => void): Promise<void> {
  const each = async (made: string[], remove: (name: string) => Promise<void>) => {
    for (let name = made.at(-1); name !== undefined; name = made.at(-1)) {
      await remove(name);
      made.pop();
      save();
    }
  };
  await each(record.volumes, (name) => engine.removeVolume(name).catch(ignoreRefusal));
  await each(record.networks, (name) => engine.removeNetwork(name).catch(ignoreRefusal));
  await each(record.paths, (path) => rm(path, { recursive: true, force: true }));
  await each(record.folders, (folder) => rmdir(folder).catch(ignoreFull));
}

/** Docker's refusal: something else uses it. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof GodwitError && error.code === "docker-failed")) throw error;
}

function ignoreFull(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
}

/** A path that is there already is somebody's, unless another bind mount of the same container has just made it. */
async function makePath(path: string, file: boolean, record: IncomingRecord, save: () => void): Promise<void> {
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
