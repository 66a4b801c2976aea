import type { Socket } from "node:net";
import { basename, join } from "node:path";
import type { Duplex } from "node:stream";
import { modes } from "../../../checks/modes.ts";
import { GodwitError } from "../../../contract/errors.ts";
import type { PlainMode } from "../../../contract/migration.ts";
import { renameSharedImages, sharedSocketFile } from "../../../host/criu/images/shared-objects.ts";
import { inFiles, writeInheritance } from "../../../host/criu/restore/inheritance.ts";
import { lazyRuns } from "../../../host/criu/restore/lazy-orders.ts";
import { pagesSocket } from "../../../host/criu/restore/lazy-pages.ts";
import { dropTouched } from "../../../host/criu/restore/touched-pages.ts";
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
  #rounds: MemoryStore | undefined;
  #later: PageRelay | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** What takes the memory of this mode is ready. */
  async prepare(mode: PlainMode): Promise<void> {
    const { criu } = await this.#host.facts();
    this.lazy = criu?.lazyPages ?? false;
    if (!modes[mode].followsAfterResume) return;
    this.#later?.close();
    this.#later = new PageRelay();
  }

  /** After a restart of the agent, in post-copy: connects the source with godwit-lazy-pages again. */
  resume(work: string): void {
    this.#later = new PageRelay();
    this.#later.serve(pagesSocket(work));
  }

  /** Takes a connection of post-copy, which goes on where the one before it broke. Without post-copy nothing waits for memory. */
  take(connection: Duplex): void {
    if (this.#later) this.#later.attach(connection);
    else connection.destroy();
  }

  /** Takes rounds of memory, with the key of their source. `onFailure` learns why no more can come. */
  takeRounds(connection: Socket, key: string, space: ImageSpace, onFailure: (error: GodwitError) => void): void {
    // One connection brings all rounds. What another one brought would be lost.
    if (this.#rounds) return void connection.destroy();
    const place = { folder: space.pages, socket: join(space.images, sharedSocketFile) };
    this.#rounds = new MemoryStore(memoryPath, place, connection, key);
    this.#rounds.failed.then((error) => {
      const explained = explain(error, this.#host.name);
      if (explained instanceof GodwitError) onFailure(explained);
    });
  }

  /**
   * Charges the container with the shared memory that has come. @throws restore-failed where some of it was lost; the system's error where
   * it is still charged to this agent
   */
  async charge(cgroup: string): Promise<void> {
    await this.#rounds?.charge(cgroup).catch((error) => Promise.reject(explain(error, this.#host.name)));
  }

  /** Says how to restore from the images of the dump and from what has come. */
  async restoreFrom(space: ImageSpace): Promise<Pick<RestoreRequest, "memory">> {
    await renameSharedImages(space.images);
    const later = this.#later;
    const listens = later && { listens: (path: string) => later.serve(path) };
    const found = await this.#rounds?.look(await lazyRuns(space.images));
    if (found && !later) found.missing = await dropTouched(space.images, found.missing);
    if (found?.missing[0] && !later) throw neverCame(found.missing[0]);
    if (found) {
      await writeInheritance(space.images, found.shared, inFiles(join("..", basename(space.pages))));
      return { memory: { from: "store", folder: space.pages, ...found, ...listens } };
    }
    return listens ? { memory: { from: "source", ...listens } } : {};
  }

  /** The container has what came in rounds: CRIU has taken shared objects, and lazy-pages has opened the rest. */
  async restored(): Promise<void> {
    await this.#rounds?.close();
    this.#rounds = undefined;
  }

  /** Nothing more comes. */
  async discard(): Promise<void> {
    await this.restored();
    this.#later?.close();
  }
}

/** What it means for a user; an error of ours stays as it is. */
function explain(error: unknown, host: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EBADMSG")
    return new GodwitError(
      "restore-failed",
      `The memory that came to ${host} is not that of the original: ${message}.`,
      { hint: "Please report it as a bug. The container runs on where it was." },
    );
  if (code === "EIO")
    return new GodwitError("restore-failed", `${host} lost shared memory of the container: ${message}.`, {
      hint: "The container's memory limit may be too low for it, or that host has no free memory. Then try again.",
    });
  if (code !== "ENOSPC") return error;
  return new GodwitError("no-space", `There is no room left on ${host} for the container's memory.`, {
    hint: "It has grown since the migration began, or others took the room; free memory there, and try again.",
  });
}

/** It would read as zeros. */
const neverCame = ({ task, first }: PageRun) =>
  new GodwitError("restore-failed", `Page ${first.toString(16)} of process ${task} never came.`);
