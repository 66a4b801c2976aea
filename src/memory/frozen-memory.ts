import { closeSync, openSync, readSync } from "node:fs";
import type { PageRun } from "../host/proc/page-run.ts";
import { pageBytes } from "../host/proc/page-size.ts";
import { containerProcesses } from "../host/proc/processes.ts";
import type { RuncContainer } from "../host/runtime/runc.ts";

/** Its processes have gone, or their memory is not what it was. */
export class MemoryLost extends Error {}

/** The memory of a frozen container, read where it is. CRIU's id of a task is its process id within the container. */
export class FrozenMemory {
  readonly #hostPids: ReadonlyMap<number, number>;
  readonly #open = new Map<number, number>();

  private constructor(hostPids: ReadonlyMap<number, number>) {
    this.#hostPids = hostPids;
  }

  static async open(container: RuncContainer): Promise<FrozenMemory> {
    const processes = await containerProcesses(container.cgroup);
    return new FrozenMemory(new Map(processes.map(({ pid, hostPid }) => [pid, hostPid])));
  }

  /**
   * Fills the buffer with the pages of the run. At once: it is copying from memory to memory, and handing it to a thread and back
   * takes longer than that.
   * @throws MemoryLost
   */
  read({ task, first, count }: PageRun, into: Buffer): void {
    try {
      // Beyond 2^53 there are no addresses of programs.
      const read = readSync(this.#fd(task), into, 0, count * pageBytes, first * pageBytes);
      if (read !== count * pageBytes) throw new Error("a part of it is gone");
    } catch (error) {
      throw new MemoryLost(`the memory of task ${task} cannot be read: ${(error as Error).message}`);
    }
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #fd(task: number): number {
    const fd = this.#open.get(task) ?? openSync(`/proc/${this.#hostPids.get(task)}/mem`, "r");
    this.#open.set(task, fd);
    return fd;
  }
}
