import { closeSync, openSync, readSync } from "node:fs";
import { ifGone } from "../host/proc/gone.ts";
import type { PageRun } from "../host/proc/page-run.ts";
import { pageBytes } from "../host/proc/page-size.ts";
import { containerProcesses } from "../host/proc/processes.ts";
import type { RuncContainer } from "../host/runtime/runc.ts";

/** Its processes have gone, or their memory is not what it was. */
export class MemoryLost extends Error {}

/** The memory of a frozen container, read where it is. CRIU's id of a task is its process id within the container. */
export class FrozenMemory {
  readonly #files: ReadonlyMap<number, number>;

  private constructor(files: ReadonlyMap<number, number>) {
    this.#files = files;
  }

  /**
   * Opens the memory of all processes while they are there: a process id may be another program's later.
   * @throws where the agent may not have so many open files
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
   * Fills the buffer with the pages of the run. At once: it is copying from memory to memory, and handing it to a thread and back
   * takes longer than that.
   * @throws MemoryLost
   */
  read({ task, first, count }: PageRun, into: Buffer): void {
    try {
      // Beyond 2^53 there are no addresses of programs.
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
