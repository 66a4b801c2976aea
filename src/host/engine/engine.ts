import type { Readable } from "node:stream";
import type { NetworkFacts } from "../../contract/attachments.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { HostFacts } from "../../contract/facts.ts";
import type { CreateBody } from "./create/create-body.ts";
import type { ContainerInspect } from "./inspect.ts";

/**
 * The container engine of this host, with what godwit needs of it. Docker is the only adapter (docker/); src/host/host.ts makes it.
 *
 * Every method may throw, besides what it says itself: `docker-unreachable` where the engine does not answer, `not-root` where this
 * user may not use it, `docker-failed` with the engine's own words where it refuses, `invalid-name` where a name can be none, and
 * `cancelled` where the signal that it was given aborts. "Undefined" always means that the engine says so: where it does not
 * answer, the method throws. After an error that is no refusal, the action may have been done.
 */
export interface Engine extends EngineContainers, EngineVolumes, EngineNetworks, EngineImages {
  /** What the engine says about itself. */
  facts(): Promise<EngineFacts>;
  /** The folder in which the engine keeps everything, such as /var/lib/docker. It is asked for once. */
  rootFolder(): Promise<string>;
}

export type EngineFacts = NonNullable<HostFacts["docker"]>;

/** Containers are named by name, by id, or by the beginning of an id; ids that are returned are whole. */
export interface EngineContainers {
  /** All containers, in whatever state. */
  containers(): Promise<ListedContainer[]>;
  /** Undefined where there is no such container. */
  find(container: string): Promise<ContainerInspect | undefined>;
  /** Like `find`. @throws no-such-container */
  inspect(container: string): Promise<ContainerInspect>;
  /**
   * Makes a container and does not start it. @returns its id
   * @throws name-taken; AddressRefused where a network takes no address of one's choice
   */
  create(name: string, body: CreateBody): Promise<string>;
  /** Starts a container. One whose runtime is the hook waits in the hook, and the start settles after the hook lets it go. */
  start(container: string): Promise<void>;
  /**
   * Kills a container, and returns when the engine has noticed the end. Harmless where it does not run or does not exist. Where it
   * is named by its whole id, nothing of a frozen container runs again before it is dead. With a restart policy other than `no`
   * the engine may start it again at once.
   */
  killAndWait(container: string): Promise<void>;
  /**
   * The exit status of a container once it does not run; null where it is removed meanwhile or does not exist. With `next` the
   * status of its next end, also where the engine starts it again after that.
   */
  waitForExit(container: string, options?: { next?: boolean; signal?: AbortSignal }): Promise<number | null>;
  /**
   * Removes a container: with `force` also one that runs, with `volumes` also its anonymous volumes. Harmless where it is gone.
   * Where the engine is removing it already, as it does by itself after --rm, the end of that is awaited.
   */
  remove(container: string, options?: { force?: boolean; volumes?: boolean }): Promise<void>;
  /**
   * Begins to remove a container that runs, and cannot be killed yet. `begun` settles when the engine starts it for nobody any more, or
   * after two seconds; `done` as `remove`.
   */
  beginRemoval(container: string): { begun: Promise<void>; done: Promise<void> };
  rename(container: string, name: string): Promise<void>;
  /** Takes effect at the next end of the container; `no` keeps the engine from starting it again. */
  setRestartPolicy(container: string, policy: RestartPolicy): Promise<void>;
  /** Names of the programs that `docker exec` runs in a container, sorted. Health checks are not among them. */
  execSessions(container: ContainerInspect): Promise<string[]>;
  /** Removes a checkpoint that `docker checkpoint create` made. */
  removeCheckpoint(container: string, name: string): Promise<void>;
}

export interface EngineVolumes {
  /** Undefined where there is no volume of that name. */
  volume(name: string): Promise<EngineVolume | undefined>;
  /** All containers that use a volume, running or not. */
  volumeUsers(name: string): Promise<ListedContainer[]>;
  /** Harmless where a volume of that name exists: it stays as it is. */
  createVolume(name: string, made?: { labels?: object; options?: object }): Promise<void>;
  /** Harmless where it is gone. @throws docker-failed where a container uses it */
  removeVolume(name: string): Promise<void>;
}

export interface EngineNetworks {
  /** Undefined where there is no network of exactly that name. */
  findNetwork(name: string): Promise<FoundNetwork | undefined>;
  /** @throws docker-failed, for instance where the subnet overlaps with another network's */
  createNetwork(network: NetworkFacts): Promise<void>;
  /** Harmless where it is gone. @throws docker-failed where a container uses it */
  removeNetwork(name: string): Promise<void>;
  /** `endpoint` is of the shape that `create` takes. @throws AddressRefused; docker-failed, for instance where its address is taken */
  connectNetwork(network: string, container: string, endpoint: object): Promise<void>;
  /** Harmless where the container is not connected, or where either of them is gone. */
  disconnectNetwork(network: string, container: string): Promise<void>;
}

/**
 * Images are named by reference or id. An id belongs to one image store: another kind of store has another id for the same content.
 * Layers are the digests (`sha256:...`) of their content, lowest first, and are the same on every host.
 */
export interface EngineImages {
  /** Undefined where there is no such image. */
  imageId(image: string): Promise<string | undefined>;
  /** Undefined where there is no such image. */
  imageLayers(image: string): Promise<string[] | undefined>;
  /** The image's names at registries: `repository@sha256:...`. @throws docker-failed where there is no such image */
  repositoryDigests(image: string): Promise<string[]>;
  /** What to create a container from so that its files are those of the wanted image; undefined where this host has no such image. */
  findImage(wanted: WantedImage): Promise<string | undefined>;
  /**
   * Fetches an image by its digest (`repository@sha256:...`) from its registry. @throws docker-failed where the registry refuses; any
   * error where the engine stops answering, or the registry says nothing for 20 s
   */
  fetchImage(digest: string): Promise<void>;
  /** Gives an image the name `reference`, unless that is an id or a digest, or names an image already. */
  nameImage(image: string, reference: string): Promise<void>;
  /** The lowest of these layers that need not be in an archive for `loadImages`, because an image of this host has them. */
  layersThere(layers: string[]): Promise<string[]>;
  /** An archive of what the reader lacks. @throws where this engine's image store only gives images as a whole */
  packImage(image: PackedImage): Promise<ImageArchive>;
  /** An archive of the whole image, as the engine itself makes it. */
  savedImage(image: Omit<PackedImage, "without">): Promise<ImageArchive>;
  /** Reads an archive of images. @throws docker-failed where the archive is not accepted */
  loadImages(stream: Readable, signal?: AbortSignal): Promise<void>;
}

export interface ListedContainer {
  Id: string;
  /** Each begins with a slash. */
  Names: string[];
  Image: string;
  /** `created`, `running`, `paused`, `exited` and so on. */
  State: string;
  /** For people: `Up 2 seconds`. */
  Status: string;
}

export interface RestartPolicy {
  Name?: string | null | undefined;
  MaximumRetryCount?: number | null | undefined;
}

export interface EngineVolume {
  /** The folder with its files. */
  mountpoint: string;
  driver: string;
  labels: Record<string, string>;
  options: Record<string, string>;
}

export interface FoundNetwork {
  facts: NetworkFacts;
  /** The running containers in it. */
  users: NetworkUser[];
}

/** Addresses with their prefix length: `10.0.0.2/24`. */
export interface NetworkUser {
  Name: string;
  IPv4Address?: string;
  IPv6Address?: string;
}

/** An image as the source has it. */
export interface WantedImage {
  /** What the container was created with. */
  reference: string;
  /** Of the source's own image store. */
  id: string;
  layers: string[];
}

export interface PackedImage {
  id: string;
  /** Name that it gets; undefined where it has no name, or where the name belongs to another image by now. */
  reference: string | undefined;
  /** Layers that the reader has, under any image: their place in the archive stays empty. */
  without: string[];
}

/** An image as `loadImages` takes it. */
export interface ImageArchive {
  /** Size of the stream; an estimate where the engine itself makes it. */
  bytes: number;
  open(): Promise<Readable>;
}

/** The engine chooses the addresses in a network by itself, and refuses one of our choice. Nothing was changed. */
export class AddressRefused extends GodwitError {
  /** Undefined where the engine does not say which of the networks refuses. */
  readonly network: string | undefined;

  constructor(message: string, network: string | undefined, cause?: unknown) {
    super("docker-failed", message, { cause });
    this.network = network;
  }
}

/** Whether this network refuses an address of our choice, as far as the error says. */
export const refusesAddress = (error: unknown, network: string): boolean =>
  error instanceof AddressRefused && (error.network ?? network) === network;
