import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import type { RuncContainer } from "../container/runc.ts";
import { run } from "../process.ts";
import { type DumpRequest, dumpArguments } from "./dump.ts";
import { dumpOptions } from "./options.ts";
import { explainCriuLog } from "./reason.ts";

/** A dump whose memory stays where it is: CRIU serves the pages of the frozen container on a port of 127.0.0.1. */
export interface LazyDump {
  port: number;
  /** Settles when the last page was fetched. Rejects with dump-failed; the container is still frozen and whole then. */
  done: Promise<void>;
}

/** What a lazy dump needs and can have before the container is frozen. */
export interface LazyDumpPlace {
  port: number;
  config: string;
  /** runc takes only a status descriptor that cannot be read: a fifo, and not the socket that Node makes of a pipe. */
  status: string;
}

export async function prepareLazyDump(work: string): Promise<LazyDumpPlace> {
  await mkdir(work, { recursive: true, mode: 0o700 });
  const config = join(work, "criu.conf");
  const status = join(work, "status");
  // Without the address CRIU serves the memory to the whole network.
  await writeFile(config, [...dumpOptions, "address 127.0.0.1", ""].join("\n"));
  await run("mkfifo", ["-m", "600", status]);
  return { port: await freePort(), config, status };
}

/**
 * Dumps everything but the memory of a frozen container, and returns when its pages are served. It ends when one reader has
 * fetched them all, or has gone (`endLazyDumps`); the container stays frozen either way.
 * @throws dump-failed
 */
export async function startLazyDump(
  container: RuncContainer,
  request: Omit<DumpRequest, "pagePort">,
  place: LazyDumpPlace,
): Promise<LazyDump> {
  // Open for both directions at this end, the fifo never blocks.
  const ready = new Socket({ fd: openSync(place.status, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
  const writer = openSync(place.status, constants.O_WRONLY);
  const lazy = ["--lazy-pages", "--page-server", `127.0.0.1:${place.port}`, "--status-fd", "3"];
  const child = spawn("runc", dumpArguments(container, request, lazy), {
    stdio: ["ignore", "ignore", "pipe", writer],
    env: { ...process.env, CRIU_CONFIG_FILE: place.config },
    // It goes on if the agent ends: what it serves is somebody's memory.
    detached: true,
  });
  closeSync(writer);
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk;
  });
  const done = once(child, "close").then(async ([code]) => {
    if (code === 0) return;
    const log = await readFile(join(request.work, "dump.log"), "utf8").catch(() => "");
    const { sentence, details } = explainCriuLog(log || complaint);
    throw new GodwitError("dump-failed", `CRIU could not dump the container: ${sentence}`, { details });
  });
  done.catch(() => {});
  try {
    const served = once(ready, "data");
    await Promise.race([served, done.then(() => served)]);
  } finally {
    ready.destroy();
  }
  return { port: place.port, done };
}

/** Ends the lazy dumps of a container that nobody will read any more, also those of an agent before this one. */
export async function endLazyDumps(id: string): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (!words.includes("checkpoint") || !words.includes("--lazy-pages") || !words.includes(id)) continue;
    const port = Number(words[words.indexOf("--page-server") + 1]?.split(":")[1]);
    // CRIU takes one reader; one that leaves without a word ends the dump. It must not be killed: see dump.ts.
    const reader = connect({ host: "127.0.0.1", port });
    reader.on("error", () => {});
    reader.on("connect", () => reader.end());
  }
}

/** runc hands a number on, so that a port cannot be left to the kernel; a moment passes between here and its use. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
