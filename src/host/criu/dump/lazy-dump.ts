import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { join } from "node:path";
import { pageWordBytes } from "../../proc/page-size.ts";
import { run } from "../../proc/process.ts";
import type { RuncContainer } from "../../runtime/runc.ts";
import { closeWord } from "../pages/dump-protocol.ts";
import { type DumpRequest, holdRunc } from "./held-runc.ts";

/** A dump whose memory stays where it is. It has begun, up to the point where CRIU would look at the container. */
export interface HeldLazyDump {
  /**
   * Dumps everything but the memory of the frozen container, and returns when CRIU would serve its pages: then the images are
   * complete. @throws dump-failed
   */
  run(): Promise<void>;
  /** Ends it, whether it has run or not: who holds the freezer reads the pages without CRIU. The container stays frozen. */
  end(): void;
}

/** `criuVersion` such as `4.2.1`. */
export async function holdLazyDump(
  container: RuncContainer,
  request: DumpRequest,
  criuVersion: string,
): Promise<HeldLazyDump> {
  const port = await freePort();
  await mkdir(request.work, { recursive: true, mode: 0o700 });
  // runc takes only a status descriptor that cannot be read: a fifo, and not the socket that Node makes of a pipe.
  const status = join(request.work, "status");
  await run("mkfifo", ["-m", "600", status]);
  // Open for both directions at this end, the fifo never blocks.
  const ready = new Socket({ fd: openSync(status, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
  const writer = openSync(status, constants.O_WRONLY);
  const served = once(ready, "data").finally(() => ready.destroy());
  served.catch(() => {});
  const held = await holdRunc(container, request, {
    more: ["--lazy-pages", "--page-server", `127.0.0.1:${port}`, "--status-fd", "3"],
    // Without the address CRIU serves the memory to the whole network.
    options: ["address 127.0.0.1"],
    lazy: true,
    status: writer,
    served,
  }).finally(() => closeSync(writer));
  const ended = held.ended.finally(() => ready.destroy());
  ended.catch(() => {});
  let dumped = false;
  return {
    async run() {
      await held.release();
      dumped = true;
      await Promise.race([served, ended.then(() => served)]);
    },
    end() {
      if (!dumped) return held.drop();
      const word = Buffer.alloc(pageWordBytes(criuVersion));
      word.writeUInt32LE(closeWord);
      const reader = connect({ host: "127.0.0.1", port });
      reader.on("error", () => {});
      reader.end(word);
      reader.resume();
    },
  };
}

/** runc hands a number on, so that a port cannot be left to the kernel; a moment passes between here and its use. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
