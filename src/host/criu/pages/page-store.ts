import { link, readdir, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Duplex } from "node:stream";
import { pageBytes } from "../../proc/page-size.ts";
import { run } from "../../proc/process.ts";
import type { DumpedMemory, DumpProtocol } from "./dump-protocol.ts";
import { PageFile } from "./page-file.ts";
import { flatEntries, topEntries } from "./page-layout.ts";
import { type RoundTarget, receiveRound } from "./page-round.ts";
import { PageRuns, type Run } from "./page-runs.ts";
import { pagemapImage } from "./pagemap-image.ts";

/** The smallest run of freed pages that is given back to the host: each run costs a process. */
const minReturnedPages = (16 * 2 ** 20) / pageBytes;

interface Memory {
  /** The part of the image's name that identifies the memory: `PID`, or `shmem-ID`. */
  name: string;
  pagesId: number;
  file: PageFile;
  /** The pages of the last complete round. */
  held: PageRuns;
}

/**
 * Receives the memory of a container from rounds of dumps. Each memory has one sparse file, in which each page lies at its own
 * address. A newer page replaces the older one. So the store takes the size of the memory, however many rounds come, and every page
 * is read from one place. `folder` must be a tmpfs: it needs files of 2^47 bytes.
 */
export class PageStore {
  readonly #folder: string;
  readonly #protocol: DumpProtocol;
  readonly #memories = new Map<string, Memory>();
  #lastId = 0;
  #broken = false;
  #tidied: Promise<unknown> = Promise.resolve();

  constructor(folder: string, protocol: DumpProtocol) {
    this.#folder = folder;
    this.#protocol = protocol;
  }

  /**
   * Receives one dump or pre-dump. After a round that failed it refuses all others, because CRIU does not send again the pages of a
   * failed round.
   * @throws Error where the round is not complete, or an earlier one was not; the system's error, such as ENOSPC
   */
  async receive(stream: Duplex): Promise<void> {
    if (this.#broken) throw new Error("an earlier round of memory did not arrive whole");
    this.#broken = true;
    await this.#tidied;
    await receiveRound(
      stream,
      this.#protocol,
      new Round(
        this.#memories,
        (dumped) => this.#create(dumped),
        (runs) => this.#settle(runs),
      ),
    );
  }

  /**
   * Writes the images of memory, and ends the receiving. The images in `images`, beside the others of the dump, are for CRIU's
   * restore: with `lazy` they leave the lazy pages out. The images in the folder of the store have every page. They are the parent of
   * the others, and `lazyOrders` reads them.
   * @throws Error where a round was not complete
   */
  async writeImages(images: string, lazy: boolean): Promise<void> {
    if (this.#broken) throw new Error("the memory of the container did not arrive whole");
    this.#broken = true;
    const others = await readdir(images);
    await Promise.all([
      // The link is relative, because CRIU follows it inside the container, where absolute paths of this host do not exist.
      symlink(relative(images, this.#folder), join(images, "parent")),
      ...others.map((name) => link(join(images, name), join(this.#folder, name))),
      ...[...this.#memories.values()].flatMap(({ name, pagesId, file, held }) => [
        writeFile(join(this.#folder, `pagemap-${name}.img`), pagemapImage(pagesId, flatEntries(held))),
        writeFile(join(images, `pagemap-${name}.img`), pagemapImage(pagesId, topEntries(held, lazy))),
        writeFile(join(images, `pages-${pagesId}.img`), ""),
        file.close(),
      ]),
    ]);
  }

  /** How many pages the store has. */
  get pages(): number {
    let pages = 0;
    for (const { held } of this.#memories.values()) pages += held.pages;
    return pages;
  }

  /** Removes all files of the store, which frees their memory. */
  async discard(): Promise<void> {
    this.#broken = true;
    for (const { file } of this.#memories.values()) await file.remove();
    this.#memories.clear();
  }

  async #create({ kind, id }: DumpedMemory): Promise<Memory> {
    this.#lastId += 1;
    const file = await PageFile.create(join(this.#folder, `pages-${this.#lastId}.img`));
    return { name: kind === "task" ? id : `shmem-${id}`, pagesId: this.#lastId, file, held: new PageRuns() };
  }

  /** Ends a complete round. Removes memories and pages that the round does not have. The next `receive` waits for that. */
  #settle(runs: ReadonlyMap<string, PageRuns>): void {
    const waste: Promise<void>[] = [];
    for (const [key, memory] of this.#memories) {
      const now = runs.get(key);
      if (now) {
        waste.push(punchHoles(memory.file.path, memory.held.without(now)));
        memory.held = now;
      } else {
        this.#memories.delete(key);
        waste.push(memory.file.remove());
      }
    }
    this.#tidied = Promise.all(waste);
    this.#tidied.catch(() => {});
    this.#broken = false;
  }
}

async function punchHoles(path: string, runs: Run[]): Promise<void> {
  for (const { first, count } of runs) {
    if (count < minReturnedPages) continue;
    const range = ["--offset", String(first * pageBytes), "--length", String(count * pageBytes)];
    await run("fallocate", ["--punch-hole", ...range, path]);
  }
}

/** One round: collects which pages each memory has. */
class Round implements RoundTarget {
  readonly #runs = new Map<string, PageRuns>();
  readonly #memories: Map<string, Memory>;
  readonly #create: (memory: DumpedMemory) => Promise<Memory>;
  readonly #settle: (runs: ReadonlyMap<string, PageRuns>) => void;
  #now: { memory: Memory; runs: PageRuns } | undefined;

  constructor(
    memories: Map<string, Memory>,
    create: (memory: DumpedMemory) => Promise<Memory>,
    settle: (runs: ReadonlyMap<string, PageRuns>) => void,
  ) {
    this.#memories = memories;
    this.#create = create;
    this.#settle = settle;
  }

  wasThere(memory: DumpedMemory): boolean {
    return this.#memories.has(keyOf(memory));
  }

  async open(dumped: DumpedMemory): Promise<void> {
    const key = keyOf(dumped);
    const memory = this.#memories.get(key) ?? (await this.#create(dumped));
    const runs = new PageRuns();
    this.#memories.set(key, memory);
    this.#runs.set(key, runs);
    this.#now = { memory, runs };
  }

  pages(first: number, count: number, lazy: boolean): void {
    this.#opened.runs.add({ first, count, lazy });
  }

  unchanged(first: number, count: number): void {
    const { memory, runs } = this.#opened;
    const held = memory.held.slice(first, count);
    // A missing page would read as zeros.
    if (!held) throw new Error(`CRIU refers to pages that never came, from page ${first.toString(16)} on`);
    for (const part of held) runs.add(part);
  }

  async write(buffers: readonly Buffer[], bytes: number, address: number): Promise<void> {
    await this.#opened.memory.file.write(buffers, bytes, address);
  }

  end(): void {
    this.#settle(this.#runs);
  }

  get #opened(): { memory: Memory; runs: PageRuns } {
    if (this.#now) return this.#now;
    throw new Error("CRIU sent pages before it named their memory");
  }
}

const keyOf = ({ kind, id }: DumpedMemory) => `${kind}-${id}`;
