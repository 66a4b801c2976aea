import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { GodwitError } from "../../contract/errors.ts";
import { killCgroup } from "../cgroup/freezer.ts";
import { findRuncContainer } from "../runtime/runc.ts";
import { api } from "./api-path.ts";
import { DockerClient, DockerRefusal, ignoreStatus } from "./client.ts";
import { type ContainerInspect, containerInspect } from "./inspect.ts";

export interface DockerInfo {
  ServerVersion: string;
  Driver: string;
  DriverStatus: [string, string][] | null;
  DockerRootDir: string;
  CgroupVersion: string;
  CgroupDriver: string;
  Runtimes: Record<string, unknown> | null;
}

export interface ListedContainer {
  Id: string;
  Names: string[];
  Image: string;
  State: string;
  Status: string;
}

export interface DockerVolume {
  mountpoint: string;
  driver: string;
  labels: Record<string, string>;
  options: Record<string, string>;
}

/** Docker, as far as godwit uses it. Containers are named by name or id; ids that are returned are whole. */
export class Docker {
  readonly client: DockerClient;

  constructor(client = new DockerClient()) {
    this.client = client;
  }

  version(): Promise<{ Version: string; ApiVersion: string }> {
    return this.client.get(api`/version`);
  }

  info(): Promise<DockerInfo> {
    return this.client.get(api`/info`);
  }

  containers(): Promise<ListedContainer[]> {
    return this.client.get(api`/containers/json`, { query: { all: true } });
  }

  /** @throws no-such-container */
  async inspect(container: string): Promise<ContainerInspect> {
    const found = await this.find(container);
    if (found) return found;
    throw new GodwitError("no-such-container", `There is no container '${container}' on this host.`, {
      hint: "List the containers of all hosts with: godwit ps",
    });
  }

  /** Like inspect, but undefined where there is none. */
  async find(container: string): Promise<ContainerInspect | undefined> {
    try {
      return containerInspect.parse(await this.client.get(api`/containers/${container}/json`));
    } catch (error) {
      if (error instanceof DockerRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** @throws name-taken */
  async create(name: string, body: unknown): Promise<string> {
    try {
      const { Id } = await this.client.post<{ Id: string }>(api`/containers/create`, { query: { name }, body });
      return Id;
    } catch (error) {
      if (!(error instanceof DockerRefusal && error.status === 409)) throw error;
      throw new GodwitError("name-taken", `A container named '${name}' exists already on this host.`, {
        hint: `Rename or remove it: docker rename ${name} NEW, or docker rm ${name}`,
      });
    }
  }

  async start(container: string, signal?: AbortSignal): Promise<void> {
    await this.client.post(api`/containers/${container}/start`, { signal });
  }

  /**
   * Kills, and returns when Docker has noticed the end. Harmless on a container that does not run. Where it is named by its
   * whole id, nothing of a frozen one runs before it is dead: Docker's own kill ends the first process and thaws the others,
   * which go on for a moment.
   */
  async killAndWait(container: string): Promise<void> {
    const ended = this.waitForExit(container);
    // Where the kill fails as well, that is what is told.
    ended.catch(() => {});
    const running = await findRuncContainer(container);
    if (running) await killCgroup(running.cgroup);
    await this.client.post(api`/containers/${container}/kill`).catch(ignoreStatus(404, 409));
    await ended;
  }

  /**
   * The exit status of a container, once it does not run; null where it is removed meanwhile or does not exist. With `next`
   * that of its next end, also where Docker then starts it anew.
   */
  async waitForExit(container: string, options: { next?: boolean; signal?: AbortSignal } = {}): Promise<number | null> {
    try {
      const { StatusCode } = await this.client.post<{ StatusCode: number }>(api`/containers/${container}/wait`, {
        query: { condition: options.next ? "next-exit" : "not-running" },
        signal: options.signal,
      });
      return StatusCode;
    } catch (error) {
      ignoreStatus(404)(error);
      return null;
    }
  }

  /** With `volumes` also the anonymous ones. Harmless where it is gone, or where Docker is removing it already, as it does by itself after --rm; then that is awaited. */
  async remove(container: string, { force = false, volumes = false } = {}): Promise<void> {
    try {
      await this.client.delete(api`/containers/${container}`, { query: { force, v: volumes } });
    } catch (error) {
      ignoreStatus(404, 409)(error);
      if (error instanceof DockerRefusal && error.status === 409) await this.#awaitRemoval(container, error);
    }
  }

  async #awaitRemoval(container: string, refusal: DockerRefusal): Promise<void> {
    if (!refusal.message.includes("already in progress")) throw refusal;
    await this.client
      .post(api`/containers/${container}/wait`, { query: { condition: "removed" } })
      .catch(ignoreStatus(404));
  }

  async rename(container: string, name: string): Promise<void> {
    await this.client.post(api`/containers/${container}/rename`, { query: { name } });
  }

  async setRestartPolicy(container: string, policy: unknown): Promise<void> {
    await this.client.post(api`/containers/${container}/update`, { body: { RestartPolicy: policy } });
  }

  /** Whether an image is there, by reference or id. */
  async imageId(image: string): Promise<string | undefined> {
    try {
      return (await this.client.get<{ Id: string }>(api`/images/${image}/json`)).Id;
    } catch (error) {
      ignoreStatus(404)(error);
      return undefined;
    }
  }

  /** Layers of an image by the digest of their content: equal on two hosts whose image stores name images differently. */
  async imageLayers(image: string): Promise<string[] | undefined> {
    try {
      const found = await this.client.get<{ RootFS?: { Layers?: string[] } }>(api`/images/${image}/json`);
      return found.RootFS?.Layers ?? [];
    } catch (error) {
      ignoreStatus(404)(error);
      return undefined;
    }
  }

  /** An image as registries know it: `repository@sha256:...`. */
  async repositoryDigests(image: string): Promise<string[]> {
    return (await this.client.get<{ RepoDigests?: string[] }>(api`/images/${image}/json`)).RepoDigests ?? [];
  }

  /** About as many bytes as `docker save` will give. */
  async imageBytes(image: string): Promise<number> {
    return (await this.client.get<{ Size?: number }>(api`/images/${image}/json`)).Size ?? 0;
  }

  async imageIds(): Promise<string[]> {
    return (await this.client.get<{ Id: string }[]>(api`/images/json`)).map(({ Id }) => Id);
  }

  /** `docker save`. */
  saveImage(image: string): Promise<Readable> {
    return this.client.stream("GET", api`/images/${image}/get`);
  }

  /** `docker load`. */
  async loadImages(stream: Readable, signal?: AbortSignal): Promise<void> {
    const lines = await text(
      await this.client.stream("POST", api`/images/load`, { stream, signal, query: { quiet: true } }),
    );
    const failed = lines.split("\n").find((line) => line.includes('"error"'));
    if (failed) throw new GodwitError("docker-failed", `Docker could not load the image: ${failed.trim()}.`);
  }

  /** One that `docker checkpoint create` made. */
  async removeCheckpoint(container: string, name: string): Promise<void> {
    await this.client.delete(api`/containers/${container}/checkpoints/${name}`);
  }

  /** Where a local volume keeps its files, and what it was made with; undefined where there is no such volume. */
  async volume(name: string): Promise<DockerVolume | undefined> {
    try {
      const found = await this.client.get<{
        Mountpoint: string;
        Driver: string;
        Labels?: Record<string, string> | null;
        Options?: Record<string, string> | null;
      }>(api`/volumes/${name}`);
      return {
        mountpoint: found.Mountpoint,
        driver: found.Driver,
        labels: found.Labels ?? {},
        options: found.Options ?? {},
      };
    } catch (error) {
      ignoreStatus(404)(error);
      return undefined;
    }
  }

  /** All containers, running or not, that use a volume. */
  volumeUsers(name: string): Promise<ListedContainer[]> {
    const filters = JSON.stringify({ volume: [name] });
    return this.client.get(api`/containers/json`, { query: { all: true, filters } });
  }

  async createVolume(name: string, made: { labels?: object; options?: object } = {}): Promise<string> {
    const { Mountpoint } = await this.client.post<{ Mountpoint: string }>(api`/volumes/create`, {
      body: { Name: name, Labels: made.labels ?? {}, DriverOpts: made.options ?? {} },
    });
    return Mountpoint;
  }

  async removeVolume(name: string): Promise<void> {
    await this.client.delete(api`/volumes/${name}`).catch(ignoreStatus(404));
  }
}
