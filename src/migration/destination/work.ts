import { createWriteStream, existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { keptNetworks } from "../../checks/addresses.ts";
import { roomOnDestination } from "../../checks/image-room.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { ArmOrder, BatonOffer, FilesComplete } from "../../contract/migration.ts";
import { containerName, volumeTrees } from "../../host/container/facts.ts";
import { stoppedLayer } from "../../host/container/layers.ts";
import { writeLog } from "../../host/container/logs.ts";
import { lazyPagesOf } from "../../host/criu/restore/lazy-pages.ts";
import { createBody } from "../../host/engine/create/create-body.ts";
import { findImage } from "../../host/engine/images/find-image.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import { serveTree } from "../../host/files/tree-sync.ts";
import type { Host } from "../../host/host.ts";
import { hookName, pendingFolder } from "../../host/paths.ts";
import { type ArmedContainer, armContainer, disarmContainer, readyRoot, speakFor } from "../../host/restore/arm.ts";
import { type ImageSpace, releaseImageSpace, reserveImageSpace, workFolderOf } from "../../host/restore/image-space.ts";
import { removePending } from "../../host/restore/pending.ts";
import { type RestoreRequest, type RunningContainer, restoreArmed } from "../../host/restore/run.ts";
import { makeBelongings, removeBelongings } from "./belongings.ts";
import { ArrivingImage } from "./image.ts";
import { ArrivingMemory } from "./memory.ts";
import type { ArrivalRecord } from "./record.ts";
import { freePorts } from "./taken-ports.ts";

/** What is done on this host for one arrival. It decides nothing: the baton does. */
export class ArrivalWork {
  readonly #host: Host;
  readonly #record: ArrivalRecord;
  readonly #save: () => void;
  readonly image: ArrivingImage;
  readonly memory: ArrivingMemory;
  /** See ArmRequest. */
  init: string | undefined;
  #space: ImageSpace | undefined;
  #armed: ArmedContainer | undefined;
  #running: Pick<RunningContainer, "abandon"> | undefined;
  /** Read once: Docker does not answer about a container that it is starting, and armed is just that. */
  #inspect: ContainerInspect | undefined;
  #trees = new Map<number, string>();

  constructor(host: Host, record: ArrivalRecord, save: () => void) {
    this.#host = host;
    this.#record = record;
    this.#save = save;
    this.image = new ArrivingImage(host, record.offer);
    this.memory = new ArrivingMemory(host);
  }

  /** Creates the container, its volumes, and the room for its memory. */
  async create(): Promise<string> {
    const { container, imageLayers, migration, choices } = this.#record.offer;
    const imageRef = await findImage(this.#host.docker, {
      reference: container.image,
      id: container.imageId,
      layers: imageLayers,
    });
    if (!imageRef)
      throw new GodwitError("docker-failed", `The image ${container.image} did not arrive on ${this.#host.name}.`);
    this.#space = await reserveImageSpace(migration, roomOnDestination(container, container.shared));
    await makeBelongings(this.#host, this.#record, this.#save);
    const { body, autoRemove } = createBody(container.inspect, {
      ...{ runtime: hookName, imageRef, anonymousAnew: true, keepAddress: keptNetworks(container, choices.tcp) },
      keepPorts: await freePorts(container.ports.filter(({ chosen }) => chosen)),
    });
    const withRemoval = { ...body, HostConfig: { ...(body.HostConfig as object), AutoRemove: autoRemove } };
    this.#record.creating = true;
    this.#save();
    const id = await this.#host.docker.create(container.name, withRemoval);
    this.#record.created = id;
    this.#save();
    await this.#findTrees(id);
    return id;
  }

  /** Takes one tree of files, by its number in the offer. */
  async tree(index: number): Promise<Duplex> {
    const tree = this.#trees.get(index);
    const path = tree && this.#record.offer.trees[index]?.file ? dirname(tree) : tree;
    if (!path) throw new GodwitError("usage", `This migration has no file tree ${index}.`);
    const { stream } = await serveTree(path, join(this.#requireSpace().work, `rsync-${index}-${Date.now()}.conf`));
    return stream;
  }

  async writeLog(suffix: string, bytes: Readable): Promise<void> {
    if (!this.#inspect) throw new GodwitError("usage", "The container of this migration is not created yet.");
    await writeLog(this.#inspect, await this.#host.dockerRoot(), suffix, bytes);
  }

  /**
   * Docker, containerd and the shim do their part now; what takes pages and images is ready. Armed once, it stays so, when the
   * mode becomes another one.
   */
  async arm({ mode, keepConnections, shared }: ArmOrder): Promise<void> {
    await this.#requireSpace().grow(roomOnDestination(this.#record.offer.container, shared));
    await this.memory.prepare(mode);
    if (this.#armed) return;
    const tty = Boolean((this.#record.offer.container.inspect.Config as { Tty?: boolean } | undefined)?.Tty);
    this.#armed = await armContainer(this.#host.docker, this.#requireCreated(), {
      ...{ tty, keepConnections, lazy: this.memory.lazy, init: this.init },
      dockerRoot: await this.#host.dockerRoot(),
      images: this.#requireSpace().images,
      work: this.#requireSpace().work,
    });
    this.#trees.set(0, this.#armed.root.upper);
  }

  /** All files are there; see `readyRoot`. */
  async readyRoot(descriptors: FilesComplete["descriptors"]): Promise<void> {
    await this.#writeImages([descriptors]);
    await readyRoot(this.#requireArmed());
  }

  /** Takes a connection that carries memory. */
  async takePages(connection: Duplex): Promise<void> {
    await this.memory.take(connection, this.#space);
  }

  async receiveImageFile(name: string, stream: Readable): Promise<void> {
    await pipeline(stream, createWriteStream(join(this.#requireSpace().images, basename(name)), { mode: 0o600 }));
  }

  async restore(offer: BatonOffer, step: NonNullable<RestoreRequest["step"]>): Promise<RunningContainer> {
    const space = this.#requireSpace();
    const armed = this.#requireArmed();
    await this.#writeImages(offer.images);
    await speakFor(armed, offer.logTail);
    const running = await restoreArmed(armed, {
      ...(await step("write images of memory", () => this.memory.restoreFrom(space))),
      step,
    });
    this.#running = running;
    return running;
  }

  /** The container runs: from now on the hook treats it as an ordinary one. */
  async release(): Promise<void> {
    if (this.#armed) await this.#armed.pending.remove();
    else await removePending(this.#requireCreated());
  }

  /** Nothing more comes from the source. Not before that may Docker start the container by itself. */
  async complete(): Promise<void> {
    const id = this.#requireCreated();
    const policy = (
      this.#record.offer.container.inspect.HostConfig as { RestartPolicy?: { Name?: string } } | undefined
    )?.RestartPolicy;
    if (policy?.Name && policy.Name !== "no") await this.#host.docker.setRestartPolicy(id, policy);
  }

  /** Gives back the room of its images. Only what is journalled as complete needs them no more: they say that all memory came. */
  async giveRoomBack(): Promise<void> {
    await releaseImageSpace(this.#record.offer.migration);
  }

  /** Ends whatever there is of the copy; returns when nothing of it can run any more. */
  async kill(sentence: string): Promise<void> {
    await this.memory.discard();
    if (this.#armed) await disarmContainer(this.#armed, sentence);
    const id = this.#record.created;
    if (id) await this.#host.docker.killAndWait(id);
  }

  /** Removes all that was made for it on this host. */
  async discard(): Promise<void> {
    await this.kill("the container stays on its source");
    const id = this.#record.created ?? (await this.#unheard());
    if (id) {
      await this.#host.docker.remove(id, { force: true, volumes: true });
      this.#armed?.pending.close();
      await removePending(id);
    }
    await removeBelongings(this.#host, this.#record);
    await releaseImageSpace(this.#record.offer.migration);
  }

  /** After a restart of the agent: whether the hook restored it. It says so even if the container has ended since. */
  wasRestored(): boolean {
    return this.#record.created !== null && existsSync(join(pendingFolder, this.#record.created, "consumed"));
  }

  /** After a restart of the agent: what brings memory goes on. Settles, or throws, as it ends. */
  async goOnDraining(): Promise<void> {
    const work = workFolderOf(this.#record.offer.migration);
    const { drained, stop } = lazyPagesOf(work);
    this.#running = { abandon: stop };
    this.memory.goOn(work);
    await drained;
  }

  /** The source has lost the memory that it served: what waits for a page would wait for ever. */
  lose(): void {
    if (this.#running) this.#running.abandon();
    else this.#armed?.lazyPages.stop();
  }

  async #findTrees(id: string): Promise<void> {
    const container = await this.#host.docker.inspect(id);
    this.#inspect = container;
    const layer = await stoppedLayer(container);
    if (!layer)
      throw new GodwitError(
        "unsupported-container",
        `The writable layer of the new container on ${this.#host.name} was not found.`,
      );
    const volumes = await volumeTrees(this.#host.docker, container);
    for (const [index, { kind, name, destination }] of this.#record.offer.trees.entries()) {
      const own = kind === "volume" ? volumes.find((volume) => volume.destination === destination)?.path : layer;
      const path = kind === "bind" ? name : own;
      if (path) this.#trees.set(index, path);
    }
  }

  /** The container whose id Docker could not tell any more, because the agent had ended. Its name was free before. */
  async #unheard(): Promise<string | undefined> {
    const { creating, offer, startedAt } = this.#record;
    const found = creating ? await this.#host.docker.find(offer.container.name) : undefined;
    const ours = found && containerName(found) === offer.container.name && found.HostConfig.Runtime === hookName;
    return ours && found.State.Status === "created" && found.Created >= startedAt ? found.Id : undefined;
  }

  async #writeImages(images: BatonOffer["images"]): Promise<void> {
    const write = ({ name, data }: BatonOffer["images"][number]) =>
      writeFile(join(this.#requireSpace().images, basename(name)), Buffer.from(data, "base64"), { mode: 0o600 });
    await Promise.all(images.map(write));
  }

  #requireArmed(): ArmedContainer {
    if (this.#armed) return this.#armed;
    throw new GodwitError("usage", "This migration is not armed.");
  }

  #requireCreated(): string {
    if (this.#record.created) return this.#record.created;
    throw new GodwitError("usage", "The container of this migration is not created yet.");
  }

  #requireSpace(): ImageSpace {
    if (this.#space) return this.#space;
    throw new GodwitError("usage", "This migration has no room for images yet.");
  }
}
