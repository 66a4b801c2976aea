import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { lanProcess } from "../../support/inside-lab.ts";
import type { TestLab } from "../../support/lab.ts";
import { patience } from "../../support/wait.ts";

const limitMs = 60_000 * patience;

/** A client on the lab's LAN, beside the hosts: containers with an address of their own are neighbours to it. */
export interface LanClient<Report> extends AsyncDisposable {
  /** What it has seen so far; fails where it has ended because something was wrong. */
  tell(): Promise<Report>;
  /** Waits until its own count has gone on by `more` from now. */
  goesOn(count: (report: Report) => number, more: number): Promise<Report>;
  /** Has it come to its end, and gives its last report. */
  finish(): Promise<Report>;
}

/** Starts a program of the folder `clients` there. It answers each line of its input with a line of JSON (clients/port.ts). */
export function startClient<Report>(lab: TestLab, program: string, ...args: string[]): LanClient<Report> {
  const file = join(import.meta.dirname, "../clients", program);
  const inLan = ["--target", String(lanProcess(lab.name)), "--net", process.execPath, file, ...args];
  const child = execa("nsenter", inLan, { reject: false, buffer: { stdout: false } });
  const lines = child.iterable();
  const ask = async (word: string): Promise<Report> => {
    child.stdin.write(`${word}\n`);
    const next = await lines.next();
    if (!next.done) return JSON.parse(String(next.value)) as Report;
    const { stderr, exitCode, signal } = await child;
    throw new Error(`The client ${program} ended (${exitCode ?? signal}): ${stderr}`);
  };
  return {
    tell: () => ask("tell"),
    async goesOn(count, more) {
      const from = count(await ask("tell"));
      const deadline = performance.now() + limitMs;
      for (;;) {
        const now = await ask("tell");
        if (count(now) >= from + more) return now;
        if (performance.now() > deadline) throw new Error(`${program} stands still: ${JSON.stringify(now)}`);
        await delay(100);
      }
    },
    finish: () => ask("finish"),
    async [Symbol.asyncDispose]() {
      child.stdin.on("error", () => {}).end();
      child.kill("SIGTERM");
      await child;
    },
  };
}
