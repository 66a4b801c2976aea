import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";

/** A process that makes one change of its memory when it is told to: see memory-changes.c. */
export class Changing {
  readonly pid: number;
  /** The process, and its child where that has memory. */
  readonly pids: number[];
  readonly #said: Promise<string>[];

  constructor(program: string, kind: string, file: string) {
    const child: ChildProcess = spawn(program, [kind, file], { stdio: ["ignore", "pipe", "inherit"] });
    this.pid = child.pid ?? 0;
    this.pids = [this.pid];
    const said = child.stdout as Readable;
    const first = line(said);
    this.#said = [first, first.then(() => line(said))];
  }

  ready(): Promise<void> {
    return this.#take("ready");
  }

  async change(): Promise<void> {
    process.kill(this.pid, "SIGUSR1");
    await this.#take("done");
  }

  async #take(expected: string): Promise<void> {
    const [word, child] = (await this.#said.shift())?.split(" ") ?? [];
    if (word !== expected) throw new Error(`The program said '${word}' in the place of '${expected}'.`);
    if (child !== undefined && this.pids.length === 1) this.pids.push(Number(child));
  }

  /** Ends it, and its children: they stand still, or wait. */
  end(pid = this.pid): void {
    try {
      for (const child of childrenOf(pid)) this.end(child);
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended, with its parent.
    }
  }
}

async function line(from: Readable): Promise<string> {
  const ended = once(from, "end").then(() => [""]);
  const [bytes = ""] = await Promise.race([once(from, "data"), ended]);
  return String(bytes).trim();
}

const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
