import { mkdir, readdir, readFile, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { GodwitError } from "../../contract/errors.ts";
import type { RuncContainer } from "../container/runc.ts";
import { dumpOptions } from "./options.ts";
import { explainCriuLog } from "./reason.ts";

const fullBelowBytes = 64 * 1024;

export interface DumpRequest {
  /** Folder for the images; exists, empty. */
  images: string;
  /** Folder for CRIU's log and statistics; made where it is missing. */
  work: string;
  /** Port of 127.0.0.1 that takes the memory pages, instead of `images`. */
  pagePort?: number;
  /** Images of a pre-dump, as a path from `images`; only pages that were written to since go. */
  parent?: string | undefined;
  /** Seen when the dump has ended: one that is killed leaves CRIU's code in the processes, and a frozen cgroup behind it. */
  signal?: AbortSignal | undefined;
}

/**
 * Dumps a frozen container and leaves it as it is: frozen, whole, and nobody's but the caller's to thaw or to kill.
 * @throws dump-failed with CRIU's reason; the container is still frozen and whole then
 */
export async function dumpContainer(container: RuncContainer, request: DumpRequest): Promise<void> {
  await mkdir(request.work, { recursive: true, mode: 0o700 });
  const config = join(request.work, "criu.conf");
  await writeFile(config, dumpOptions.map((line) => `${line}\n`).join(""));
  const result = await execa(
    "runc",
    dumpArguments(container, request, request.pagePort ? ["--page-server", `127.0.0.1:${request.pagePort}`] : []),
    {
      reject: false,
      stdin: "ignore",
      env: { CRIU_CONFIG_FILE: config },
    },
  );
  request.signal?.throwIfAborted();
  if (result.exitCode === 0) return;
  const log = await readFile(join(request.work, "dump.log"), "utf8").catch(() => "");
  const { sentence, details } = explainCriuLog(log || result.stderr);
  if (await isFull(request.images)) {
    throw new GodwitError("no-space", `There is no space left in ${request.images} for the container's memory.`, {
      details,
    });
  }
  throw new GodwitError("dump-failed", `CRIU could not dump the container: ${sentence}`, { details });
}

/** CRIU's log, which would say so, may be on the same full disk. */
async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < fullBelowBytes;
}

/** What runc is called with for every dump. */
export function dumpArguments(container: RuncContainer, request: DumpRequest, more: string[]): string[] {
  return [
    ...["--root", container.root, "checkpoint", "--leave-running", "--empty-ns", "network"],
    ...["--tcp-established", "--ext-unix-sk", "--file-locks"],
    ...["--image-path", request.images, "--work-path", request.work],
    ...(request.parent ? ["--parent-path", request.parent] : []),
    ...more,
    container.id,
  ];
}

/**
 * Returns when no dump of the container is under way any more, also none that an agent before this one began. CRIU puts the
 * freezer back at its end to what it found, so that a thaw before it would not last.
 */
export async function waitForDump(id: string): Promise<void> {
  while (await isDumped(id)) await sleep(50);
}

async function isDumped(id: string): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands.some((command) => {
    const words = command.split("\0");
    return words.includes("checkpoint") && words.includes(id);
  });
}
