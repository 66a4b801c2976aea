import { once } from "node:events";
import { chmodSync, chownSync, existsSync, readFileSync, unlinkSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { GodwitError } from "../contract/errors.ts";
import { lockFile } from "../host/proc/file-lock.ts";

/** Members of this group may use the agent's socket; where there is no such group, only root may. */
const group = "godwit";

export interface LocalSocket {
  /** Hands the connections to a server, also those that have waited since the socket was opened. */
  serve(http: HttpServer): void;
  close(): Promise<void>;
}

/**
 * Takes the folder of the agent's state or of its socket, for as long as this process lives or until it is disposed of.
 * @throws GodwitError busy where another agent has it
 */
export async function claimFolder(folder: string): Promise<Disposable> {
  const path = join(folder, "agent.lock");
  const lock = await lockFile(path);
  if (lock.taken) return lock;
  throw taken(lock.holder && `process ${lock.holder}`, `has locked ${path}`);
}

/**
 * Takes the socket, whose folder was claimed. One that nobody answers on is left over and replaced.
 * @throws GodwitError busy where something else answers on it
 */
export async function claimSocket(path: string): Promise<LocalSocket> {
  if (existsSync(path)) {
    if (await answers(path)) throw taken("", `answers on ${path}`);
    unlinkSync(path);
  }
  const open = new Set<Socket>();
  const { promise: http, resolve } = Promise.withResolvers<HttpServer>();
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    socket.on("error", () => {});
    (await http).emit("connection", socket);
  });
  await listen(server, path);
  return {
    serve: resolve,
    close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      // What was written still goes out; clients keep idle connections that would never end by themselves.
      for (const socket of open) socket.destroySoon();
      return closed;
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  // The socket must at no moment be open to more than it is meant for.
  const mask = process.umask(0o177);
  try {
    server.listen(path);
    await once(server, "listening");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") throw taken("", `answers on ${path}`);
    throw error;
  } finally {
    process.umask(mask);
  }
  const id = groupId();
  if (id === undefined) return;
  chownSync(path, process.getuid?.() ?? 0, id);
  chmodSync(path, 0o660);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function groupId(): number | undefined {
  if (!existsSync("/etc/group")) return undefined;
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((line) => line.startsWith(`${group}:`));
  const id = Number(line?.split(":")[2]);
  return Number.isInteger(id) && line ? id : undefined;
}

const taken = (who: string, does: string) =>
  new GodwitError("busy", `Another agent${who && ` (${who})`} runs on this host already and ${does}.`, {
    hint: "A host has one agent; stop the other one first.",
  });
