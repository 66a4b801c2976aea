import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { GodwitError } from "../../contract/errors.ts";
import { explainCriuLog } from "./reason.ts";

export interface PageServer {
  /** CRIU's side of the page protocol; whoever dumps is joined to it. */
  socket: Duplex;
  /** Settles when the dump is over: every page is in the images. Rejects with transfer-failed. */
  done: Promise<void>;
  stop(): void;
}

/** Receives the memory pages of a dump into `images`. It speaks over a socket that it is given, so that no port is open. */
export function startPageServer(images: string, work: string): PageServer {
  const log = "page-server.log";
  const child = spawn("criu", ["page-server", "-D", images, "-W", work, "-v2", "-o", log, "--ps-socket", "3"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  const done = ended.then(async ([code, signal]) => {
    if (code === 0) return;
    const { sentence, details } = explainCriuLog(await readFile(join(work, log), "utf8").catch(() => ""));
    throw new GodwitError("transfer-failed", `CRIU's page server ended (${signal ?? code}): ${sentence}`, { details });
  });
  done.catch(() => {});
  const socket = child.stdio[3] as Socket;
  // CRIU ends its side first; what the other side still says must not look like a broken connection.
  socket.allowHalfOpen = true;
  socket.on("error", () => {});
  return { socket, done, stop: () => child.kill("SIGKILL") };
}
