import { once } from "node:events";
import pino from "pino";
import { startAgent } from "./agent.ts";
import { assemble } from "./assemble.ts";
import type { AgentConfig } from "./config.ts";

/** Runs the agent of this host until SIGTERM or SIGINT; a second signal ends it at once. The log goes to stderr. */
export async function runAgent(config: AgentConfig): Promise<void> {
  const log = pino({ base: { host: config.name }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
  const agent = await startAgent(config, assemble, log);
  const stop = new AbortController();
  const signal = await Promise.race([
    once(process, "SIGTERM", { signal: stop.signal }).then(() => "SIGTERM"),
    once(process, "SIGINT", { signal: stop.signal }).then(() => "SIGINT"),
  ]);
  stop.abort();
  log.info({ signal }, "the agent ends");
  await agent.close();
  // Everything is closed and journalled; Node's own clean-up can wait forever for a handle that was reset.
  process.exit(0);
}
