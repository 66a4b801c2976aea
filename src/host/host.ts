import type { HostFacts } from "../contract/facts.ts";
import { DockerClient } from "./engine/docker/client.ts";
import { Docker } from "./engine/docker/containers.ts";
import { readHostFacts } from "./facts.ts";

/** This machine, as the layers above use it. */
export interface Host {
  name: string;
  docker: Docker;
  /** Docker's own folder, such as /var/lib/docker. */
  dockerRoot(): Promise<string>;
  /** Memory, disk and Docker are read anew every time; what CRIU can do, which takes long to find out, once a minute. */
  facts(): Promise<HostFacts>;
}

export function thisHost(name: string, docker = new Docker(new DockerClient(name))): Host {
  let root: Promise<string> | undefined;
  return {
    name,
    docker,
    dockerRoot() {
      root ??= docker.info().then((info) => info.DockerRootDir);
      root.catch(() => {
        root = undefined;
      });
      return root;
    },
    facts: () => readHostFacts(name, docker),
  };
}
