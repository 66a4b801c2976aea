import { join } from "node:path";
import type { Duplex } from "node:stream";
import { modes } from "../../../checks/modes.ts";
import { GodwitError } from "../../../contract/errors.ts";
import type { PlainMode } from "../../../contract/migration.ts";
import { renameSharedImages, sharedSocketFile } from "../../../host/criu/images/shared-objects.ts";
import { DumpProtocol } from "../../../host/criu/pages/dump-protocol.ts";
import { PageStore } from "../../../host/criu/pages/page-store.ts";
import { writeInheritance } from "../../../host/criu/restore/inheritance.ts";
import { lazyRuns } from "../../../host/criu/restore/lazy-orders.ts";
import { pagesSocket } from "../../../host/criu/restore/lazy-pages.ts";
import type { Host } from "../../../host/host.ts";
import { memoryPath } from "../../../host/paths.ts";
import type { PageRun } from "../../../host/proc/page-run.ts";
import type { ImageSpace } from "../../../host/restore/image-space.ts";
import type { RestoreRequest } from "../../../host/restore/run.ts";
import { MemoryStore } from "../../../memory/rounds/memory-store.ts";
import { PageRelay } from "./page-relay.ts";

/** How the memory of a container comes here: in rounds into this host's memory, or, in post-copy, after the resume. */
export class IncomingMemory {
  readonly #host: Host;
  /** Whether this host can put it into the container while that runs. */
  lazy = false;
  #store: PageStore | undefined;
  #rounds: MemoryStore | undefined;
  #later: PageRelay | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** What takes the memory of this mode is ready. In post-copy what CRIU's pre-dumps brought is given up: it comes again. */
  async prepare(mode: PlainMode): Promise<void> {
    const { criu } = await this.#host.facts();
    this.lazy = criu?.lazyPages ?? false;
    if (!modes[mode].followsAfterResume) return;
    await this.#store?.discard();
    this.#store = undefined;
    this.#later?.close();
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
    await this.#store.receive(connection).catch((error) => this.#explain(error));
  }

  /** Takes a round of memory. @throws no-space where there is no room left for it */
  async takeRound(connection: Duplex, space: ImageSpace): Promise<void> {
    this.#rounds ??= new MemoryStore(memoryPath, space.pages, join(space.images, sharedSocketFile));
    await this.#rounds.receive(connection).catch((error) => this.#explain(error));
  }

  #explain(error: unknown): never {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EBADMSG")
      throw new GodwitError(
        "restore-failed",
        `The memory that came to ${this.#host.name} is not that of the original: ${message}.`,
        { hint: "Please report it as a bug. The container runs on where it was." },
      );
    if (code !== "ENOSPC") throw error;
    throw new GodwitError("no-space", `There is no room left on ${this.#host.name} for the container's memory.`, {
      hint: "It has grown since the migration began, or others took the room; free memory there, and try again.",
    });
  }

  /** Completes the images of the last dump with it, and says how to restore from them. */
  async restoreFrom(space: ImageSpace): Promise<Pick<RestoreRequest, "memory">> {
    await this.#store?.writeImages(space.images, this.lazy);
    await renameSharedImages(space.images);
    const later = this.#later;
    const listens = later && { listens: (path: string) => later.serve(path) };
    const found = await this.#rounds?.look(await lazyRuns(space.images));
    if (found?.missing[0] && !later) throw neverCame(found.missing[0]);
    if (found) {
      await writeInheritance(space.images, space.pages, found.shared);
      return { memory: { from: "store", folder: space.pages, ...found, ...listens } };
    }
    if (listens) return { memory: { from: "source", ...listens } };
    return this.#store ? { memory: { from: "images", folder: space.pages } } : {};
  }

  /** The container has what came in rounds: CRIU has taken shared objects, and lazy-pages has opened the rest. */
  async restored(): Promise<void> {
    await this.#rounds?.close();
    this.#rounds = undefined;
  }

  /** Nothing more comes. */
  async discard(): Promise<void> {
    await this.#store?.discard();
    this.#store = undefined;
    await this.restored();
    this.#later?.close();
  }
}

/** It would read as zeros. */
const neverCame = ({ task, first }: PageRun) =>
  new GodwitError("restore-failed", `Page ${first.toString(16)} of process ${task} never came.`);
