import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { GodwitError } from "../../../contract/errors.ts";
import type { RuncContainer } from "../../runtime/runc.ts";
import { explainCriuLog } from "../reason.ts";
import { writeIrmapCache } from "./irmap-cache.ts";

export interface PreDumpRequest {
  container: RuncContainer;
  /** Folder for the little that is kept of it here; made. */
  images: string;
  /** Images of the round before, as a path from `images`; then only pages that were written to since go. */
  parent: string | undefined;
  /** Joins CRIU with what takes the pages, until one of them has ended. */
  join: (criu: Duplex) => void;
}

/**
 * Reads the memory of a container that runs on, and takes the kernel's marks off its pages, so that the next round finds what
 * was written since. It stops the processes for a moment, by itself and not through their cgroup, which CRIU would look at only
 * every 100 ms. It must not be killed: without its connection it ends by itself.
 * @throws dump-failed with CRIU's reason; the container runs on
 */
export async function preDump({ container, images, parent, join: joinWith }: PreDumpRequest): Promise<void> {
  await mkdir(images, { recursive: true, mode: 0o700 });
  await writeIrmapCache(container, images);
  const log = "pre-dump.log";
  const child = spawn(
    "criu",
    [
      ...["pre-dump", "--no-default-config", "--tree", String(container.pid), "--track-mem"],
      ...["--images-dir", images, "--work-dir", images, "-v1", "--log-file", log],
      ...(parent ? ["--prev-images-dir", parent] : []),
      ...["--page-server", "--ps-socket", "3"],
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe"] },
  );
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  const socket = child.stdio[3] as Socket;
  socket.allowHalfOpen = true;
  socket.on("error", () => {});
  joinWith(socket);
  const [code, signal] = await ended;
  if (code === 0) return;
  const { sentence, details } = explainCriuLog(await readFile(join(images, log), "utf8").catch(() => ""));
  throw new GodwitError("dump-failed", `CRIU could not read the container's memory (${signal ?? code}): ${sentence}`, {
    details,
  });
}
