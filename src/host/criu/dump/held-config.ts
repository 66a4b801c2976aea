import { closeSync, constants, openSync, renameSync, writeSync } from "node:fs";
import { link, lstat, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ifGone } from "../../proc/gone.ts";
import { run } from "../../proc/process.ts";

const lookAgainMs = 1;

/**
 * A configuration file of CRIU's that is a fifo, so that CRIU waits at its very start, before it has looked at anything, until it
 * is told what is in it. Nobody has it open for writing meanwhile: who waits there goes on waiting if the agent ends.
 */
export class HeldConfig {
  /** For CRIU_CONFIG_FILE. */
  readonly path: string;
  readonly #fifos: string[];
  #at = 0;
  #closed = false;

  private constructor(path: string, fifos: string[]) {
    this.path = path;
    this.#fifos = fifos;
  }

  /** The first so many starts of CRIU will be let pass (`pass`); the one after them is held. */
  static async create(path: string, passing: number): Promise<HeldConfig> {
    const fifos = Array.from({ length: passing + 1 }, (_, index) => `${path}.${index}`);
    await run("mkfifo", ["-m", "600", ...fifos]);
    await link(`${path}.0`, path);
    return new HeldConfig(path, fifos);
  }

  /** Lets one start go on with `lines`; settles when it came, or when this was closed. */
  async pass(lines: string[]): Promise<void> {
    const next = `${this.path}.next`;
    await link(`${this.path}.${this.#at + 1}`, next);
    await this.#answer(lines, next);
    this.#at += 1;
  }

  /** The same for the start that was held, and for all after it. @returns whether it came */
  async release(lines: string[]): Promise<boolean> {
    const plain = `${this.path}.plain`;
    await writeFile(plain, text(lines), { mode: 0o600 });
    return this.#answer(lines, plain);
  }

  /** Holds nobody back any more; who waits goes on waiting. */
  async open(lines: string[]): Promise<void> {
    this.#closed = true;
    await writeFile(`${this.path}.plain`, text(lines), { mode: 0o600 });
    renameSync(`${this.path}.plain`, this.path);
  }

  /** Lets nobody go on any more: somebody else decides. */
  stop(): void {
    this.#closed = true;
  }

  /** Nobody comes any more. */
  async close(): Promise<void> {
    this.#closed = true;
    const made = [`${this.path}.next`, `${this.path}.plain`, ...this.#fifos];
    await Promise.all(made.map((path) => rm(path, { force: true })));
  }

  /** `next` is what the start after this one finds. @returns whether one came */
  async #answer(lines: string[], next: string): Promise<boolean> {
    while (!this.#closed) {
      if (answer(`${this.path}.${this.#at}`, text(lines), () => renameSync(next, this.path))) return true;
      await sleep(lookAgainMs);
    }
    return false;
  }
}

/** Whether the file holds back whoever starts, also for an agent that is gone. */
export async function isHeld(path: string): Promise<boolean> {
  return (await lstat(path).catch(ifGone(undefined)))?.isFIFO() ?? false;
}

/** Writes to whoever waits at a fifo. `before`: done before it goes on. @returns whether somebody waited */
function answer(fifo: string, words: string, before: () => void): boolean {
  let fd: number;
  try {
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // Nobody reads it.
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return false;
    throw error;
  }
  before();
  writeSync(fd, words);
  closeSync(fd);
  return true;
}

function text(lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
