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

/** A pre-dump: one round of memory of a container that runs. */
export interface PreDumpRequest {
  container: RuncContainer;
  /** Folder for CRIU's log and for the images without pages; it is made. */
  images: string;
  /** Images of the round before, as a path relative to `images`. Only pages that were written since are sent then. */
  parent: string | undefined;
  /** Connects CRIU with the receiver of the pages, until one of them ends. */
  join: (criu: Duplex) => void;
}

/**
 * Sends the memory of a running container, and clears the kernel's marks of changed pages, so that the next round finds what was
 * written since. CRIU stops the processes for a moment. It stops them one by one, because it looks at a freezing cgroup only every
 * 100 ms. Do not kill CRIU: it ends by itself when its connection ends.
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
