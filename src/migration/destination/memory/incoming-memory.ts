import type { Duplex } from "node:stream";
import { modes } from "../../../checks/modes.ts";
import { GodwitError } from "../../../contract/errors.ts";
import type { PlainMode } from "../../../contract/migration.ts";
import { DumpProtocol } from "../../../host/criu/pages/dump-protocol.ts";
import { PageStore } from "../../../host/criu/pages/page-store.ts";
import { pagesSocket } from "../../../host/criu/restore/lazy-pages.ts";
import type { Host } from "../../../host/host.ts";
import type { ImageSpace } from "../../../host/restore/image-space.ts";
import type { RestoreRequest } from "../../../host/restore/run.ts";
import { PageRelay } from "./page-relay.ts";

/** How the memory of a container comes here: in rounds into this host's memory, or, in post-copy, after the resume. */
export class IncomingMemory {
  readonly #host: Host;
  /** Whether this host can put it into the container while that runs. */
  lazy = false;
  #store: PageStore | undefined;
  #later: PageRelay | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** What takes the memory of this mode is ready. In post-copy what came before is given up: all of it comes again. */
  async prepare(mode: PlainMode): Promise<void> {
    const { criu } = await this.#host.facts();
    this.lazy = criu?.lazyPages ?? false;
    if (!modes[mode].followsAfterResume) return;
    await this.discard();
    this.#later = new PageRelay();
  }

  /** After a restart of the agent, in post-copy: connects the source with godwit-lazy-pages again. */
  resume(work: string): void {
    this.#later = new PageRelay();
    this.#later.serve(pagesSocket(work));
  }

  /**
   * Takes a connection: one round, or, in post-copy, what goes on where the one before it broke. Without a space nothing waits
   * for memory any more.
   * @throws no-space where there is no room left for the round
   */
  async take(connection: Duplex, space: ImageSpace | undefined): Promise<void> {
    if (this.#later) return this.#later.attach(connection);
    if (!space) {
      connection.destroy();
      return;
    }
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

  /** Completes the images of the last dump with it, and says how to restore from them. */
  async restoreFrom(space: ImageSpace): Promise<Pick<RestoreRequest, "memory">> {
    await this.#store?.writeImages(space.images, this.lazy);
    const later = this.#later;
    if (later) return { memory: { from: "source", listens: (path) => later.serve(path) } };
    return this.#store ? { memory: { from: "images", folder: space.pages } } : {};
  }

  /** Nothing more comes. */
  async discard(): Promise<void> {
    await this.#store?.discard();
    this.#store = undefined;
    this.#later?.close();
  }
}
