import { closeSync, openSync, readSync } from "node:fs";
import { ifGone } from "../host/proc/gone.ts";
import type { PageRun } from "../host/proc/page-run.ts";
import { pageBytes } from "../host/proc/page-size.ts";
import { containerProcesses } from "../host/proc/processes.ts";
import type { RuncContainer } from "../host/runtime/runc.ts";

/** The processes of the frozen original are gone, or their memory has changed. */
export class MemoryLost extends Error {}

/** Reads the memory of a frozen container directly from its processes. The id of a task is its process id within the container. */
export class FrozenMemory {
  readonly #files: ReadonlyMap<number, number>;

  private constructor(files: ReadonlyMap<number, number>) {
    this.#files = files;
  }

  /**
   * Opens the memory of all processes of a frozen container at once, because the kernel may give their process ids to other programs
   * later.
   * @throws Error where the agent would have too many open files
   */
  static async open(container: RuncContainer): Promise<FrozenMemory> {
    const files = new Map<number, number>();
    try {
      for (const { pid, hostPid } of await containerProcesses(container.cgroup)) {
        const file = openMemory(hostPid);
        if (file !== undefined) files.set(pid, file);
      }
    } catch (error) {
      closeAll(files);
      throw error;
    }
    return new FrozenMemory(files);
  }

  /**
   * Fills the buffer with the pages of the run. The read is synchronous, because it only copies memory, and Node's thread pool would
   * take longer than the copy.
   * @throws MemoryLost
   */
  read({ task, first, count }: PageRun, into: Buffer): void {
    try {
      // Addresses of programs fit into 53 bits.
      const read = readSync(this.#file(task), into, 0, count * pageBytes, first * pageBytes);
      if (read !== count * pageBytes) throw new Error("a part of it is gone");
    } catch (error) {
      throw new MemoryLost(`the memory of task ${task} cannot be read: ${(error as Error).message}`);
    }
  }

  close(): void {
    closeAll(this.#files);
  }

  #file(task: number): number {
    const file = this.#files.get(task);
    if (file === undefined) throw new Error("it was not there when the container was frozen");
    return file;
  }
}

/** Undefined for a process that has no memory any more: nobody has waited for its end yet. */
function openMemory(hostPid: number): number | undefined {
  try {
    return openSync(`/proc/${hostPid}/mem`, "r");
  } catch (error) {
    return ifGone(undefined)(error);
  }
}

function closeAll(files: ReadonlyMap<number, number>): void {
  for (const file of files.values()) closeSync(file);
}
