import { closeSync, constants, openSync, renameSync, writeSync } from "node:fs";
import { link, lstat, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ifGone } from "../../proc/gone.ts";
import { run } from "../../proc/process.ts";

const lookAgainMs = 1;

/**
 * A configuration file of CRIU that is a fifo. CRIU opens it at its start, before it looks at anything, and waits until somebody
 * writes to it. The agent opens it only to write, so that CRIU still waits if the agent ends.
 */
export class HeldConfig {
  /** The value of CRIU_CONFIG_FILE. */
  readonly path: string;
  readonly #fifos: string[];
  #at = 0;
  #closed = false;

  private constructor(path: string, fifos: string[]) {
    this.path = path;
    this.#fifos = fifos;
  }

  /** Makes the file at `path`. `passing` is the number of starts of CRIU that `pass` lets go on; the start after them is held. */
  static async create(path: string, passing: number): Promise<HeldConfig> {
    const fifos = Array.from({ length: passing + 1 }, (_, index) => `${path}.${index}`);
    await run("mkfifo", ["-m", "600", ...fifos]);
    await link(`${path}.0`, path);
    return new HeldConfig(path, fifos);
  }

  /** Waits for one start of CRIU and lets it go on with `lines`. Also returns when this is opened, stopped or closed. */
  async pass(lines: string[]): Promise<void> {
    const next = `${this.path}.next`;
    await link(`${this.path}.${this.#at + 1}`, next);
    await this.#answer(lines, next);
    this.#at += 1;
  }

  /** Waits for the held start and lets it go on with `lines`, and every start after it. @returns whether the held start came */
  async release(lines: string[]): Promise<boolean> {
    const plain = `${this.path}.plain`;
    await writeFile(plain, text(lines), { mode: 0o600 });
    return this.#answer(lines, plain);
  }

  /** Lets every later start of CRIU go on with `lines`. A start that waits already still waits. */
  async open(lines: string[]): Promise<void> {
    this.#closed = true;
    await writeFile(`${this.path}.plain`, text(lines), { mode: 0o600 });
    renameSync(`${this.path}.plain`, this.path);
  }

  /** Ends the agent's part: no start goes on because of this object any more. */
  stop(): void {
    this.#closed = true;
  }

  /** Removes the fifos, after the last start of CRIU. */
  async close(): Promise<void> {
    this.#closed = true;
    const made = [`${this.path}.next`, `${this.path}.plain`, ...this.#fifos];
    await Promise.all(made.map((path) => rm(path, { force: true })));
  }

  /** Waits for a start and gives it `lines`. `next` is the file that the start after it opens. @returns whether a start came */
  async #answer(lines: string[], next: string): Promise<boolean> {
    while (!this.#closed) {
      if (answer(`${this.path}.${this.#at}`, text(lines), () => renameSync(next, this.path))) return true;
      await sleep(lookAgainMs);
    }
    return false;
  }
}

/** Whether a configuration file still holds CRIU, also if the agent that made it is gone. */
export async function isHeld(path: string): Promise<boolean> {
  return (await lstat(path).catch(ifGone(undefined)))?.isFIFO() ?? false;
}

/** Writes to the process that waits at a fifo. Calls `before` before that process goes on. @returns whether a process waited */
function answer(fifo: string, words: string, before: () => void): boolean {
  let fd: number;
  try {
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // No process has it open for reading.
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
