import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { bytes } from "../../../contract/units.ts";
import { criuLibraryPath } from "../../paths.ts";
import { descendantsOf } from "../../proc/process-table.ts";
import { pidsBelow } from "../../proc/processes.ts";
import { ProgressWatch } from "../../proc/progress-watch.ts";

const lookMs = 500;
/** Far longer than any step of a dump in which CRIU neither asks for pages nor writes, and takes no processor time. */
const patienceMs = 30_000;
/** Of the mapped file, as runtime/criu/watch.c has it: a word that ends the dump, then the numbers of calls and of bytes. */
const [pageBytes, callsAt, writtenAt] = [4096, 8, 16];

/** What is dumped: memory in bytes, and a number of processes. */
export interface DumpSize {
  bytes: number;
  processes: number;
}

/** What a dump may take. */
export interface DumpLimits {
  ms: number;
  bytes: number;
}

/**
 * Ten times what the slowest dumps took that were seen: 100 ms and 1 MiB for a process, 7 ms for a MiB of memory; and as much again for a
 * machine that is busy. The images can have no more than each page once, and what CRIU writes of each process.
 */
export const dumpLimits = ({ bytes: memory, processes }: DumpSize): DumpLimits => ({
  ms: 60_000 + processes * 1000 + (memory / 2 ** 20) * 70,
  bytes: 256 * 2 ** 20 + processes * 2 ** 20 + memory * 2,
});

/** Which limit a dump has exceeded; a phrase for a user. */
export function exceeded(done: { ms: number; bytes: number }, limits: DumpLimits, size: DumpSize): string | undefined {
  const of = `for ${bytes(size.bytes)} of memory in ${size.processes} processes`;
  if (done.ms > limits.ms) return `it took longer than ${seconds(limits.ms)}, the limit ${of}`;
  if (done.bytes > limits.bytes) return `it wrote more than ${bytes(limits.bytes)}, the limit ${of}`;
  return undefined;
}

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;

/** Watches CRIU while it dumps a container, and ends the dump without harm to its processes. */
export class DumpWatch {
  /** For CRIU's environment. */
  readonly environment: Record<string, string>;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #size: DumpSize;
  readonly #over = new AbortController();
  #why: string | undefined;

  private constructor(path: string, file: FileHandle, size: DumpSize) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.environment = { LD_PRELOAD: criuLibraryPath, GODWIT_WATCH: path };
  }

  /** @param path of a file that is made, and removed by `close` */
  static async create(path: string, cgroup: string): Promise<DumpWatch> {
    const file = await open(path, "w+", 0o600);
    await file.truncate(pageBytes);
    return new DumpWatch(path, file, await sizeOf(cgroup));
  }

  /** Why it has ended the dump, a phrase for a user; undefined where it has not. */
  get why(): string | undefined {
    return this.#why;
  }

  /** Watches from now on. `pid` is that of runc. */
  async begin(pid: number): Promise<void> {
    const limits = dumpLimits(this.#size);
    const from = performance.now();
    const progress = new ProgressWatch(patienceMs);
    while (!this.#over.signal.aborted) {
      await sleep(lookMs, undefined, { signal: this.#over.signal }).catch(() => {});
      if (this.#over.signal.aborted) return;
      const now = performance.now();
      const { calls, written } = await this.#done();
      const stands = progress.stands([calls, written, await processorTime(pid)].join(" "), now);
      const limit = exceeded({ ms: now - from, bytes: written }, limits, this.#size);
      const why = limit ?? (stands ? `it made no progress for ${seconds(patienceMs)}` : undefined);
      if (why) return this.end(why);
    }
  }

  /** Ends the dump: the next of CRIU's calls that can fail does. CRIU then lets go of the processes, and they are as before. */
  async end(why: string): Promise<void> {
    if (this.#over.signal.aborted) return;
    this.#why ??= why;
    await this.#file.write(Buffer.from([1, 0, 0, 0]), 0, 4, 0);
  }

  /** The container is dumped: CRIU waits from now on, and must not be disturbed. */
  rest(): void {
    this.#over.abort();
  }

  /** Call it when CRIU has ended. */
  async close(): Promise<void> {
    this.rest();
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async #done(): Promise<{ calls: number; written: number }> {
    const { buffer } = await this.#file.read(Buffer.alloc(24), 0, 24, 0);
    return { calls: Number(buffer.readBigUInt64LE(callsAt)), written: Number(buffer.readBigUInt64LE(writtenAt)) };
  }
}

/** Of the processes in a cgroup. Memory that several of them have counts for each: it is a limit's. */
async function sizeOf(cgroup: string): Promise<DumpSize> {
  const pids = await pidsBelow(cgroup);
  const sizes = pids.map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
    return (kib("VmRSS") + kib("VmSwap")) * 1024;
  });
  return { bytes: (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0), processes: pids.length };
}

/** Of a process and all below it, in the kernel's ticks. */
async function processorTime(pid: number): Promise<number> {
  const ticks = [pid, ...(await descendantsOf(pid))].map(async (each) => {
    const stat = await readFile(`/proc/${each}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  });
  return (await Promise.all(ticks)).reduce((sum, each) => sum + each, 0);
}
