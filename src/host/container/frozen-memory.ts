import { type FileHandle, open } from "node:fs/promises";
import type { PageRun } from "../criu/page-run.ts";
import { pageBytes } from "../criu/page-size.ts";
import { containerProcesses } from "./processes.ts";
import type { RuncContainer } from "./runc.ts";

/** Its processes have gone, or their memory is not what it was. */
export class MemoryLost extends Error {}

/** The memory of a frozen container, read where it is. CRIU's id of a task is its process id within the container. */
export class FrozenMemory {
  readonly #hostPids: ReadonlyMap<number, number>;
  readonly #open = new Map<number, Promise<FileHandle>>();

  private constructor(hostPids: ReadonlyMap<number, number>) {
    this.#hostPids = hostPids;
  }

  static async open(container: RuncContainer): Promise<FrozenMemory> {
    const processes = await containerProcesses(container.cgroup);
    return new FrozenMemory(new Map(processes.map(({ pid, hostPid }) => [pid, hostPid])));
  }

  /** Fills the buffer with the pages of the run. @throws MemoryLost */
  async read({ task, first, count }: PageRun, into: Buffer): Promise<void> {
    try {
      const handle = await this.#handle(task);
      // Beyond 2^53 there are no addresses of programs.
      const { bytesRead } = await handle.read(into, 0, count * pageBytes, first * pageBytes);
      if (bytesRead !== count * pageBytes) throw new Error("a part of it is gone");
    } catch (error) {
      throw new MemoryLost(`the memory of task ${task} cannot be read: ${(error as Error).message}`);
    }
  }

  async close(): Promise<void> {
    const handles = await Promise.allSettled(this.#open.values());
    await Promise.all(handles.map((handle) => handle.status === "fulfilled" && handle.value.close()));
  }

  #handle(task: number): Promise<FileHandle> {
    let handle = this.#open.get(task);
    if (!handle) {
      handle = open(`/proc/${this.#hostPids.get(task)}/mem`, "r");
      this.#open.set(task, handle);
    }
    return handle;
  }
}
