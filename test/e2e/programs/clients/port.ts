import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

// A test that ran into its limit takes nothing down: its client ends with the process that started it.
const startedBy = process.ppid;
setInterval(() => {
  if (process.ppid !== startedBy) process.exit(1);
}, 1000).unref();

/**
 * How a test speaks with its client: `tell` and `finish` come as lines, and a line of JSON answers each. Anything that a client
 * finds wrong it throws, which ends it and is the test's failure.
 */
export function servePort(report: () => object, finish: () => Promise<void>): void {
  createInterface({ input: process.stdin }).on("line", async (word) => {
    if (word === "finish") await finish();
    process.stdout.write(`${JSON.stringify(report())}\n`, () => word === "finish" && process.exit(0));
  });
}

/** Waits until a server listens there. */
export async function listens({ hostname, port }: URL): Promise<void> {
  for (;;) {
    const socket = connect({ host: hostname, port: Number(port || 80) });
    const connected = await once(socket, "connect").catch(() => undefined);
    socket.destroy();
    if (connected) return;
    await delay(100);
  }
}
