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

/** What a program gave back is returned to the host in pieces of at least this size: each costs a process. */
const minReturnedPages = (16 * 2 ** 20) / pageBytes;

interface Memory {
  /** As the images are named: `PID`, or `shmem-ID`. */
  name: string;
  pagesId: number;
  file: PageFile;
  /** What the last whole round left here. */
  held: PageRuns;
}

/**
 * The memory of a container as rounds of dumps bring it: each page is written over what it was before, at its own address in a
 * file that is one large hole otherwise. So however many rounds come, memory takes its own size, and every page is read from
 * one place, however old it is. `folder` must be in memory, and hold files of 2^47 bytes.
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
   * Takes what one dump or pre-dump sends. After one that failed no other is taken: CRIU counts the pages of a round as sent.
   * @throws Error; ENOSPC where there is no room
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
   * Puts the images of memory beside the others of the dump, in `images`, and makes the folder of the store one that CRIU's
   * lazy-pages daemon can read: there every page must be present, and where CRIU restores, only those that cannot wait. Nothing
   * more is taken after that.
   */
  async writeImages(images: string, lazy: boolean): Promise<void> {
    if (this.#broken) throw new Error("the memory of the container did not arrive whole");
    this.#broken = true;
    const others = await readdir(images);
    await Promise.all([
      // CRIU follows it from within the container, where no path of this host begins at the root.
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

  get pages(): number {
    let pages = 0;
    for (const { held } of this.#memories.values()) pages += held.pages;
    return pages;
  }

  /** Gives the memory up; its room is free again. */
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

  /** A round has come whole: what it did not speak of has gone, and its room is given back before the next one. */
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

/** What one round says of each memory. */
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
    // Its place in the file would read as zeros.
    if (!held) throw new Error(`CRIU counts on pages from ${first.toString(16)} on that never came`);
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
    throw new Error("CRIU sent pages before it said of what");
  }
}

const keyOf = ({ kind, id }: DumpedMemory) => `${kind}-${id}`;
