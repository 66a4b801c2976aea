import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import type { PageRun } from "../../../src/host/proc/page-run.ts";
import { pageBytes } from "../../../src/host/proc/page-size.ts";
import { killGroup } from "../../../src/host/proc/process.ts";
import { MemoryServer } from "../../../src/migration/source/transfer/memory-server.ts";

/* The real program and a real userfaultfd; only CRIU, and the container, are played by a process of the test: patient.c. */

const here = fileURLToPath(new URL(".", import.meta.url));
export const pages = 6000;
/** Of these, children of the patient do not inherit the first ones. */
const withheld = 600;

export interface Programs {
  /** Where all of them, and the work folders of the cases, are. */
  folder: string;
  lazyPages: string;
  /** The same, on a host that has no memory left for another process. */
  lazyPagesWithoutFork: string;
  patient: string;
}

function compilePrograms(): Programs {
  const folder = mkdtempSync(join(tmpdir(), "godwit-lazy-"));
  const compile = (name: string, ...args: string[]) => {
    const program = join(folder, name);
    mkdirSync(join(program, ".."), { recursive: true });
    execFileSync("cc", ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-o", program, ...args]);
    return program;
  };
  const sources = globSync(join(here, "../../../runtime/lazy-pages/*.c"));
  return {
    folder,
    lazyPages: compile("godwit-lazy-pages", ...sources),
    lazyPagesWithoutFork: compile("without-fork/godwit-lazy-pages", ...sources, join(here, "no-fork.c")),
    patient: compile("patient", "-pthread", join(here, "patient.c")),
  };
}

/** Compiles them before the tests of a file, and ends and removes what is left after these. */
export function usePrograms(): Programs {
  const programs = {} as Programs;
  beforeAll(() => void Object.assign(programs, compilePrograms()));
  afterAll(() => endCases(programs));
  return programs;
}

/** As the patient computes it. */
function content(page: number): BigUint64Array {
  const word = page % 7 === 0 ? 0n : BigInt.asUintN(64, BigInt(page) * 0x9e3779b97f4a7c15n);
  return new BigUint64Array(pageBytes / 8).fill(word);
}

export interface Case {
  work: string;
  first: number;
  /** Process id of what plays the container. */
  patient: number;
  /** Kills it, and what it has forked. Harmless where it has ended. */
  killPatient(): void;
  /** Starts the program with orders, and tells the patient that it may give its memory away. */
  begin(orders: string[]): Promise<void>;
  /** What the patient said in the end, or the signal that ended it, once nothing is left that it has forked. */
  end: Promise<string>;
  /** The signal that ended its first process. */
  killedBy: Promise<string | null>;
  /** Exit status of the program. */
  status: Promise<number>;
  /** Whether the program has not ended. */
  lives(): boolean;
  /** Its two processes. */
  worker(): number;
  guard: number;
}

export interface CaseOptions {
  /** Folder of the container's cgroup; one that does not exist where it is not needed. */
  cgroup?: string;
  program?: string;
  env?: Record<string, string>;
  /** The patient does nothing else to its memory: patient.c. */
  only?: "moves" | "grows" | "swaps" | "forks";
}

const begun: { patient: ChildProcess; lazy: ChildProcess }[] = [];

/** Ends what tests that failed have left, and removes the programs. */
function endCases({ folder }: Programs): void {
  for (const { patient, lazy } of begun.splice(0)) {
    killGroup(patient.pid);
    lazy.kill("SIGKILL");
  }
  rmSync(folder, { recursive: true });
}

export async function beginCase(programs: Programs, seed: number, options: CaseOptions = {}): Promise<Case> {
  const work = join(programs.folder, `work-${seed}`);
  mkdirSync(work);
  const child = spawn(programs.patient, [work, String(pages), String(seed), ...(options.only ? [options.only] : [])], {
    stdio: ["pipe", "pipe", "inherit"],
    // A group of its own: what it forks can be killed with it.
    detached: true,
  });
  const killedBy = once(child, "exit").then(([, signal]) => signal as string | null);
  const end = (async () => {
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    const [, signal] = (await once(child, "close")) as [number | null, string | null];
    return signal ?? said.split("\n").at(-2) ?? "";
  })();
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const first = Number(line.toString().split(" ")[1]);
  const { program = programs.lazyPages, cgroup = join(work, "no-cgroup"), env = process.env } = options;
  const lazy = spawn(program, [cgroup, work], { stdio: ["pipe", "pipe", "inherit"], env });
  const status = once(lazy, "exit").then(([code]) => code as number);
  begun.push({ patient: child, lazy });
  return {
    work,
    killedBy,
    first,
    patient: child.pid ?? 0,
    killPatient: () => killGroup(child.pid),
    end,
    status,
    lives: () => lazy.exitCode === null && lazy.signalCode === null,
    worker: () => Number(execFileSync("pgrep", ["-P", String(lazy.pid)])),
    guard: lazy.pid ?? 0,
    async begin(orders) {
      const told = orders.flatMap((order) => (order === "task 1" ? [order, `withheld ${first} ${withheld}`] : [order]));
      lazy.stdin.end([...told, "end", ""].join("\n"));
      await once(lazy.stdout, "data");
      child.stdin.end("\n");
    },
  };
}

/** The frozen original. */
export const original = {
  read({ first, count }: PageRun, into: Buffer) {
    for (let i = 0; i < count; i += 1) into.set(new Uint8Array(content(first + i).buffer), i * pageBytes);
  },
  close() {},
};

/** `pace` is waited for before each piece. */
export const serviceFor = (
  work: string,
  pace: () => Promise<unknown> = async () => {},
  made: (socket: Socket) => void = () => {},
) => {
  const server = new MemoryServer();
  const open = async () => {
    const socket = connect({ path: join(work, "pages.socket"), allowHalfOpen: true });
    made(socket);
    await once(socket, "connect");
    return socket;
  };
  server.resume({ open, rate: { bytesPerSecond: null, take: async () => void (await pace()) } });
  return server;
};

/**
 * Has the worker killed while most pages are missing, and none comes any more.
 * @param before what is done just before that
 * @returns what ends the service
 */
export async function loseWorker({ work, first, begin, worker }: Case, before = () => {}): Promise<() => void> {
  await begin(["task 1", `run ${first} ${pages}`]);
  const killed = Promise.withResolvers<void>();
  let reads = 0;
  const service = serviceFor(work, async () => {
    reads += 1;
    if (reads < 10) return;
    before();
    process.kill(worker(), "SIGKILL");
    killed.resolve();
    await new Promise(() => {});
  });
  service.serve(original).catch(() => {});
  await killed.promise;
  return () => service.close();
}
