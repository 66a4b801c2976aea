import type { HostFacts } from "../contract/facts.ts";
import { DockerClient } from "./engine/docker/client.ts";
import { dockerEngine } from "./engine/docker/docker.ts";
import type { Engine } from "./engine/engine.ts";
import { readHostFacts } from "./facts.ts";

/** This machine, as the layers above use it. */
export interface Host {
  name: string;
  engine: Engine;
  /** The engine's own folder, such as /var/lib/docker. */
  dockerRoot(): Promise<string>;
  /** Memory, disk and the engine are read anew every time; what CRIU can do, which takes long to find out, once a minute. */
  facts(): Promise<HostFacts>;
}

export function thisHost(name: string, engine = thisEngine(name)): Host {
  return { name, engine, dockerRoot: engine.rootFolder, facts: () => readHostFacts(name, engine) };
}

/**
 * The container engine of this machine.
 * @param host name of this host, for errors that are shown on another host
 * @param socket path of the engine's socket, where it is not the usual one
 */
export const thisEngine = (host?: string, socket?: string): Engine => dockerEngine(new DockerClient(host, socket));
