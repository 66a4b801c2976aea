import type { Engine, EngineFacts } from "../engine.ts";
import { api } from "./api-path.ts";
import { DockerClient } from "./client.ts";
import { dockerContainers } from "./containers.ts";
import { isContainerdStore } from "./images/image-layers.ts";
import { dockerImages } from "./images/images.ts";
import type { DockerInfo } from "./info.ts";
import { dockerNetworks } from "./networks.ts";
import { dockerVolumes } from "./volumes.ts";

/** Docker as the engine of this host. */
export function dockerEngine(client: DockerClient = new DockerClient()): Engine {
  const info = () => client.get<DockerInfo>(api`/info`);
  let root: Promise<string> | undefined;
  return {
    ...dockerContainers(client),
    ...dockerVolumes(client),
    ...dockerNetworks(client),
    ...dockerImages(client, info),
    async facts() {
      const [found, { ApiVersion }] = await Promise.all([info(), client.get<{ ApiVersion: string }>(api`/version`)]);
      return factsOf(found, ApiVersion);
    },
    rootFolder() {
      root ??= info().then(({ DockerRootDir }) => DockerRootDir);
      root.catch(() => {
        root = undefined;
      });
      return root;
    },
  };
}

function factsOf(info: DockerInfo, apiVersion: string): EngineFacts {
  return {
    version: info.ServerVersion,
    apiVersion,
    storageDriver: info.Driver,
    containerdStore: isContainerdStore(info),
    cgroupVersion: info.CgroupVersion === "1" ? "1" : "2",
    cgroupDriver: info.CgroupDriver,
    rootDir: info.DockerRootDir,
    runtimes: Object.keys(info.Runtimes ?? {}),
  };
}
