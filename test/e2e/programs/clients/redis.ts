// usage: redis.ts ADDRESS...
// Counts with INCR, and reads each number back. A number that is lost or repeated ends it. While a connection lives it stays
// with it; when it has ended, or said nothing for a while and another address answers, it goes on over a new one.
import { setTimeout as delay } from "node:timers/promises";
import { servePort } from "./port.ts";
import { type Connection, connect } from "./redis-connection.ts";

/** The connection is of no use any more. */
class Ended extends Error {}

const addresses = process.argv.slice(2);
const silenceMs = 1000;
const report = { count: 0, reconnects: 0 };
let finished = false;
let running = Promise.resolve();
servePort(
  () => report,
  () => {
    finished = true;
    return running;
  },
);
let connection = await firstThatAnswers();
report.count = Number(await connection.ask("GET", "n"));
running = count();
await running;

async function count(): Promise<void> {
  while (!finished) {
    try {
      const incremented = Number(await answer("INCR"));
      if (incremented !== report.count + 1) throw new Error(`INCR gave ${incremented} after ${report.count}`);
      report.count = incremented;
      const read = Number(await answer("GET"));
      if (read !== report.count) throw new Error(`GET gave ${read} instead of ${report.count}`);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      await reconnect();
    }
    // As many requests as a busy page makes; more would only keep both cores from the move.
    await delay(1);
  }
}

/** What was asked last may have been done or not; anything else is a loss. */
async function reconnect(): Promise<void> {
  connection.close();
  connection = await firstThatAnswers();
  report.reconnects += 1;
  const read = Number(await answer("GET"));
  if (read !== report.count && read !== report.count + 1) throw new Error(`it is ${read} now, and was ${report.count}`);
  report.count = read;
}

async function answer(command: string): Promise<string> {
  const asked = connection.ask(command, "n");
  for (;;) {
    const first = await Promise.race([asked.catch(() => new Ended()), delay(silenceMs)]);
    if (first instanceof Ended) throw first;
    if (first !== undefined) return first;
    if (await elsewhere()) throw new Ended();
  }
}

async function elsewhere(): Promise<boolean> {
  const others = addresses.filter((address) => address !== connection.address);
  const probes = await Promise.all(others.map((address) => connect(address, silenceMs).catch(() => undefined)));
  for (const probe of probes) probe?.close();
  return probes.some((probe) => probe !== undefined);
}

async function firstThatAnswers(): Promise<Connection> {
  for (;;) {
    for (const address of addresses) {
      const found = await connect(address, silenceMs).catch(() => undefined);
      if (found) return found;
    }
    await delay(50);
  }
}
