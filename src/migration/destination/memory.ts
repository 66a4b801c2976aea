import type { Duplex } from "node:stream";
import { GodwitError } from "../../contract/errors.ts";
import { DumpProtocol } from "../../host/criu/dump-protocol.ts";
import { PageStore } from "../../host/criu/page-store.ts";
import type { Host } from "../../host/host.ts";
import type { ImageSpace } from "../../host/restore/image-space.ts";

/** The memory of a container that comes here before the switchover, or in it. */
export class ArrivingMemory {
  readonly #host: Host;
  #store: PageStore | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Takes one round of it.
   * @throws no-space where there is no room left
   */
  async take(connection: Duplex, space: ImageSpace): Promise<void> {
    const { criu } = await this.#host.facts();
    this.#store ??= new PageStore(space.pages, new DumpProtocol(criu?.version ?? ""));
    try {
      await this.#store.receive(connection);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      throw new GodwitError("no-space", `There is no room left on ${this.#host.name} for the container's memory.`, {
        hint: "It has grown since the migration began, or others took the room; free memory there, and try again.",
      });
    }
  }

  /** Completes the images of the last dump with it. @returns the folder that lazy pages are read from; undefined where nothing came */
  async writeImages(space: ImageSpace, lazy: boolean): Promise<string | undefined> {
    await this.#store?.writeImages(space.images, lazy);
    return this.#store && space.pages;
  }

  async discard(): Promise<void> {
    await this.#store?.discard();
    this.#store = undefined;
  }
}
