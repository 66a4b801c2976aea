import { execa } from "execa";
import { afterAll, afterEach, beforeAll, inject } from "vitest";
import type { Release } from "../../../src/lab/recipe.ts";
import { removeContainers } from "./docker-api.ts";
import { godwitCommand, takeDown } from "./godwit.ts";
import { runInHost } from "./inside-lab.ts";
import { patience } from "./wait.ts";

/** A command that takes longer than this hangs, and its test fails. */
const commandLimitMs = 120_000 * patience;
/** A lab may have to make its roots and images first. */
const labLimitMs = 900_000;

export interface CliResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** A lab of one test file, and the command line pointed at it. */
export interface TestLab {
  name: string;
  /** Runs a shell script in a host; it must succeed. @returns its standard output, trimmed */
  on(host: string, script: string, input?: string): Promise<string>;
  /** As `on`, but the script may fail. */
  attempt(host: string, script: string): Promise<CliResult>;
  /** Runs `godwit --lab NAME ...`; it may fail. */
  godwit(...args: string[]): Promise<CliResult>;
  /** Runs `godwit --json`, and calls `act` when the command first reports the phase. Fails if it never reports it. */
  during(phase: string, act: (command: { pid: number }) => Promise<unknown>, ...args: string[]): Promise<CliResult>;
  /** Runs `godwit --json`; it must succeed. @returns the result, which is the last thing printed */
  json<T = Record<string, unknown>>(...args: string[]): Promise<T>;
  /** Runs `godwit --json`; it must fail. @returns what the error says, and the exit status */
  refusal(...args: string[]): Promise<{ code: string; message: string; hint?: string; exit: number }>;
}

/**
 * Brings a lab up for the tests of this file alone, which may damage its hosts, and takes it down after them. Every test begins
 * without containers and checkpoints. Only h1 gets images: a move brings them to another host.
 */
export function useLab(tag: string, releases: Release[], images?: string[]): TestLab {
  const lab = testLab(`${inject("labPrefix")}${tag}`);
  beforeAll(() => bringUp(lab, releases, images));
  afterEach(async () => {
    await Promise.all(releases.map((_, i) => cleanHost(lab, `h${i + 1}`)));
  });
  afterAll(() => takeDown(lab.name));
  return lab;
}

/** Brings the lab up, or its missing parts, and loads these images on h1. */
export async function bringUp(lab: TestLab, releases: Release[], images = ["busybox", "gcc"]): Promise<void> {
  await mustGodwit(lab, "lab", "up", "--hosts", String(releases.length), "--release", releases.join(","));
  for (const image of images) await mustGodwit(lab, "lab", "image", "h1", image);
  await Promise.all(releases.map((_, i) => lab.on(`h${i + 1}`, "godwit setup")));
}

/** Removes the containers and the checkpoints of a host. */
export async function cleanHost(lab: TestLab, host: string): Promise<void> {
  await removeContainers(lab, host);
  await lab.on(host, "rm -rf /var/lib/godwit/checkpoints/*");
}

/** The command line pointed at a lab that the caller brings up and takes down. */
export function testLab(name: string): TestLab {
  const attempt = (host: string, script: string, input?: string) =>
    runInHost(
      name,
      host,
      ["timeout", "-k", "5", String(commandLimitMs / 1000), "sh", "-c", script],
      input === undefined ? {} : { input },
    );
  const godwit = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await execa(godwitCommand, ["--lab", name, ...args], {
      reject: false,
      timeout: args[0] === "lab" ? labLimitMs : commandLimitMs,
      stdin: "ignore",
    });
    return { status: exitCode ?? 255, stdout, stderr };
  };
  return {
    name,
    attempt,
    godwit,
    async on(host, script, input) {
      const result = await attempt(host, script, input);
      if (result.status === 0) return result.stdout.trim();
      throw new Error(`On ${host}, status ${result.status}: ${script}\n${result.stdout}${result.stderr}`);
    },
    async during(phase, act, ...args) {
      const child = execa(godwitCommand, ["--lab", name, "--json", ...args], {
        reject: false,
        timeout: commandLimitMs,
        stdin: "ignore",
      });
      let acted: Promise<unknown> | undefined;
      for await (const line of child) {
        const event = JSON.parse(line) as { body?: { phase?: string } } | null;
        if (event?.body?.phase === phase) acted ??= act({ pid: child.pid ?? 0 });
      }
      const { exitCode, stdout, stderr } = await child;
      if (!acted) throw new Error(`godwit ${args.join(" ")} was never in the phase ${phase}: ${stdout}${stderr}`);
      await acted;
      return { status: exitCode ?? 255, stdout, stderr };
    },
    async json<T>(...args: string[]) {
      const result = await godwit("--json", ...args);
      if (result.status !== 0) throw new Error(`godwit ${args.join(" ")}: ${result.status}\n${result.stderr}`);
      return lastJson(result.stdout) as T;
    },
    async refusal(...args) {
      const result = await godwit("--json", ...args);
      const { error } = lastJson(result.stdout) as { error?: { code: string; message: string; hint?: string } };
      if (!error) throw new Error(`godwit ${args.join(" ")} was not refused: ${result.stdout}`);
      return { ...error, exit: result.status };
    },
  };
}

export async function mustGodwit(lab: TestLab, ...args: string[]): Promise<void> {
  const result = await lab.godwit(...args);
  if (result.status !== 0) throw new Error(`godwit ${args.join(" ")}: ${result.status}\n${result.stderr}`);
}

/** The last JSON document of a text, which is one document, or one document on each line. */
function lastJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.trim().split("\n").at(-1) ?? "");
  }
}
