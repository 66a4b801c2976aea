import type { Duplex } from "node:stream";
import { GodwitError } from "../../contract/errors.ts";
import { DumpProtocol } from "../../host/criu/dump-protocol.ts";
import { PageProtocol } from "../../host/criu/page-protocol.ts";
import { PageStore } from "../../host/criu/page-store.ts";
import type { Host } from "../../host/host.ts";
import type { ImageSpace } from "../../host/restore/image-space.ts";
import type { RestoreRequest } from "../../host/restore/run.ts";
import { type Loopback, listenLoopback } from "../../transport/loopback.ts";
import { ResumableStream } from "../../transport/resumable.ts";
import { PageReceiver } from "../pages/receiver.ts";
import type { PlainMode } from "../plan.ts";

/** How the memory of a container comes here: in rounds into this host's memory, or, in post-copy, after the resume. */
export class ArrivingMemory {
  readonly #host: Host;
  /** Whether this host can put it into the container while that runs. */
  lazy = false;
  #store: PageStore | undefined;
  #later: { stream: ResumableStream; receiver: PageReceiver; listener: Loopback } | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** What takes the memory of this mode is ready. In post-copy what came before is given up: all of it comes again. */
  async prepare(mode: PlainMode): Promise<void> {
    const { criu } = await this.#host.facts();
    this.lazy = criu?.lazyPages ?? false;
    if (mode !== "postcopy") return;
    await this.discard();
    const stream = new ResumableStream();
    const receiver = new PageReceiver(stream, new PageProtocol(criu?.version ?? ""));
    // CRIU's daemon speaks to a port; behind it is a stream that outlives its connections.
    const listener = await listenLoopback({
      once: true,
      onConnection: (socket) => receiver.serve(socket).catch(() => {}),
    });
    this.#later = { stream, receiver, listener };
  }

  /**
   * Takes a connection: one round, or, in post-copy, what goes on where the one before it broke.
   * @throws no-space where there is no room left for the round
   */
  async take(connection: Duplex, space: ImageSpace): Promise<void> {
    if (this.#later) return this.#later.stream.attach(connection);
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
  async restoreFrom(space: ImageSpace): Promise<Pick<RestoreRequest, "pages" | "pagePort">> {
    await this.#store?.writeImages(space.images, this.lazy);
    return { pages: this.#store && space.pages, pagePort: this.#later?.listener.port };
  }

  /** The container runs: in post-copy the source sends without being asked. */
  go(): void {
    this.#later?.receiver.go();
  }

  /** The source has lost the memory that it served: what waits for a page would wait for ever. */
  lose(): void {
    this.#later?.stream.destroy();
  }

  /** Why it stopped coming, where that is known here. */
  get problem(): GodwitError | undefined {
    return this.#later?.receiver.problem;
  }

  /** All of it is in the container. */
  async close(): Promise<void> {
    await this.#later?.listener.close();
  }

  async discard(): Promise<void> {
    await this.#store?.discard();
    this.#store = undefined;
    this.lose();
    await this.close();
  }
}
