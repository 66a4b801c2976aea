import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { GodwitError } from "../contract/errors.ts";
import { agentPidFile, agentSocket } from "../host/paths.ts";
import { SqliteJournal } from "../journal/sqlite.ts";
import type { Log } from "../operations/log.ts";
import { Operations } from "../operations/operations.ts";
import { Tickets } from "../transport/tickets.ts";
import { type Credentials, peerName, readCredentials } from "../transport/tls.ts";
import { listenTls, type TlsListener } from "../transport/tls-server.ts";
import { TunnelRegistry } from "../transport/tunnels.ts";
import { createApp } from "./app.ts";
import type { AgentParts, AgentWork } from "./assemble.ts";
import type { AgentConfig } from "./config.ts";
import { claimFolder, claimSocket } from "./local-socket.ts";
import { registerForwarding } from "./peers/forward.ts";
import { Peers } from "./peers/peers.ts";
import { watchBlocks } from "./usage.ts";

const keepOperationsMs = 30 * 24 * 3600 * 1000;
const drainMs = 30_000;

export interface Agent {
  readonly socket: string;
  /** Where other agents reach it; undefined where it serves only the socket. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/**
 * Starts the agent of this host. When it resolves, the agent listens, and each operation that its last run left is resumed or has failed.
 * @throws GodwitError busy where another agent runs on this host
 */
export async function startAgent(
  config: AgentConfig,
  assemble: (parts: AgentParts) => AgentWork,
  log: Log,
): Promise<Agent> {
  await using undo = new AsyncDisposableStack();
  mkdirSync(config.runDir, { recursive: true, mode: 0o755 });
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  // First of all: only one agent may touch the journal, and the containers.
  for (const folder of new Set([config.stateDir, config.runDir])) undo.use(await claimFolder(folder));
  const socketPath = join(config.runDir, basename(agentSocket));
  const socket = await claimSocket(socketPath);
  undo.defer(() => socket.close());
  const credentials = readCredentials(config.pki);
  const journal = new SqliteJournal(join(config.stateDir, "journal.db"));
  undo.defer(() => journal.close());
  journal.prune(new Date(Date.now() - keepOperationsMs).toISOString());
  const blocks = watchBlocks();
  undo.defer(() => blocks.while(false));
  const operations = new Operations({
    journal,
    host: config.name,
    now: () => new Date(),
    monotonic: () => performance.now(),
    newId: () => randomUUID().slice(0, 8),
    onBusy: blocks.while,
  });
  const peers = new Peers(config, credentials);
  undo.defer(() => peers.close());
  const tunnels = new TunnelRegistry((path, error) =>
    log.info({ err: error, path }, "a stream of another agent ended with an error"),
  );
  const tickets = new Tickets();
  const work = assemble({ name: config.name, journal, operations, peers, tunnels, tickets, blocks, log });
  undo.defer(() => work.close());
  await work.recover();
  operations.failInterrupted();

  const ending = new AbortController();
  const shared = { name: config.name, routes: work.routes, log, ending: ending.signal };
  const local = createApp(shared);
  registerForwarding(local, (host) => peers.get(host), log);
  await local.ready();
  const listener = credentials && (await listenToPeers(config, shared, work, { tunnels, tickets, credentials }));
  if (!listener)
    log.warn({ listen: config.listen, pki: config.pki }, "no keys or no address: only the socket is served");
  if (listener) undo.defer(() => listener.close());
  writePid(config);
  undo.defer(() => removePid(config));
  socket.serve(local.server);
  log.info({ socket: socketPath, port: listener?.port }, "the agent listens");

  const cleanUp = undo.move();
  return {
    socket: socketPath,
    port: listener?.port,
    async close() {
      // The other side of a running move still has to reach this agent while it ends.
      await operations.drain(AbortSignal.timeout(drainMs));
      ending.abort();
      tunnels.closeAll();
      await cleanUp.disposeAsync();
      await local.close();
    },
  };
}

type Shared = Parameters<typeof createApp>[0];

async function listenToPeers(
  config: AgentConfig,
  shared: Shared,
  work: AgentWork,
  parts: { tunnels: TunnelRegistry; tickets: Tickets; credentials: Credentials },
): Promise<TlsListener | undefined> {
  if (config.listen === undefined) return undefined;
  const { tunnels, tickets, credentials } = parts;
  const hosts = Object.keys(config.hosts).filter((name) => name !== config.name);
  const app: FastifyInstance = createApp({ ...shared, identify: (request) => peerName(request.raw.socket, hosts) });
  work.registerPeerRoutes(app);
  await app.ready();
  tunnels.bind(app.server, (request) => peerName(request.socket, hosts));
  const colon = config.listen.lastIndexOf(":");
  const [host, port] = [config.listen.slice(0, colon).replace(/^\[|\]$/g, ""), Number(config.listen.slice(colon + 1))];
  const onRefused = (from: string, report: object) => shared.log.warn({ from, report }, "a caller was refused");
  return listenTls({ credentials, hosts, host, port, http: app.server, tickets, onRefused }).catch((error) => {
    throw new GodwitError("usage", `The agent cannot listen on ${config.listen}: ${error.message}.`, {
      hint: 'Look at "listen" in the agent\'s configuration, and at what else uses that port.',
      cause: error,
    });
  });
}

// The runtime hook sees by it whether the agent is there.
const pidFile = (config: AgentConfig) => join(config.runDir, basename(agentPidFile));

const writePid = (config: AgentConfig) => writeFileSync(pidFile(config), `${process.pid}\n`);

function removePid(config: AgentConfig): void {
  if (readFileSync(pidFile(config), "utf8") === `${process.pid}\n`) rmSync(pidFile(config));
}
