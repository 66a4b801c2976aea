import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { join } from "node:path";
import { pageWordBytes } from "../../proc/page-size.ts";
import { run } from "../../proc/process.ts";
import type { RuncContainer } from "../../runtime/runc.ts";
import { type DumpRequest, holdRunc } from "./held-runc.ts";

/** Ends a connection of pages to CRIU. */
const closeWord = 0x1023;

/** A dump that leaves the memory in the processes. It has started, and stops before CRIU looks at the container. */
export interface HeldLazyDump {
  /**
   * Dumps everything of the frozen container except its memory. Returns when CRIU begins to serve the pages: the images are then
   * complete. `signal` has CRIU end the dump; its reason is thrown when CRIU has let go of the processes.
   * @throws dump-failed
   */
  run(signal: AbortSignal): Promise<void>;
  /** Ends the dump, whether it has run or not. CRIU serves no pages: `FrozenMemory` reads them. The container stays frozen. */
  end(): void;
  /** `end` after `run`, and returns when runc and CRIU are gone. They have let go of the processes then. */
  finish(): Promise<void>;
}

/** Starts such a dump of a container that will be frozen. `criuVersion` is such as `4.2.1`. @throws dump-failed */
export async function holdLazyDump(
  container: RuncContainer,
  request: DumpRequest,
  criuVersion: string,
): Promise<HeldLazyDump> {
  const port = await freePort();
  await mkdir(request.work, { recursive: true, mode: 0o700 });
  // runc takes only a status descriptor that is open for writing alone. Node's pipes are sockets, so this is a fifo.
  const status = join(request.work, "status");
  await run("mkfifo", ["-m", "600", status]);
  // A fifo that is open for reading and writing never blocks.
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
  let over = false;
  const ended = held.ended.finally(() => {
    over = true;
    ready.destroy();
  });
  ended.catch(() => {});
  let dumped = false;
  const end = () => {
    if (!dumped) return held.drop();
    if (over) return;
    const word = Buffer.alloc(pageWordBytes(criuVersion));
    word.writeUInt32LE(closeWord);
    const reader = connect({ host: "127.0.0.1", port });
    reader.on("error", () => {});
    reader.end(word);
    reader.resume();
  };
  return {
    async run(signal) {
      await held.release();
      dumped = true;
      const cancel = () => held.end("it was cancelled");
      signal.addEventListener("abort", cancel);
      try {
        await Promise.race([served, ended.then(() => served)]);
      } finally {
        signal.removeEventListener("abort", cancel);
        signal.throwIfAborted();
      }
    },
    end,
    async finish() {
      end();
      await ended;
    },
  };
}

/** A port of 127.0.0.1 that is free now. runc needs a fixed number. Another program can take the port before CRIU uses it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
