import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { decodeFrame } from "../../../src/memory/pages/frames.ts";
import type { MemorySender } from "../../../src/memory/rounds/memory-sender.ts";
import { MemoryStore, type StorePlace } from "../../../src/memory/rounds/memory-store.ts";
import { Tickets } from "../../../src/transport/tickets.ts";

interface PairOptions {
  /** Of zstd; -1 for the one that takes the least time. */
  level?: number;
  /** What the source has for a key, where that is another one. */
  sourceKey?: string;
}

/** Connects a sender with a store as two agents do: with a ticket, and with TLS. */
export async function pairWith(
  sender: MemorySender,
  program: string,
  place: StorePlace,
  { level = 0, sourceKey }: PairOptions = {},
): Promise<MemoryStore> {
  const tickets = new Tickets();
  const server = createServer((connection) => tickets.sort(connection, (other) => other.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const key = randomBytes(32).toString("hex");
  const made = new Promise<MemoryStore>((resolve) => {
    const take = (connection: Socket) => resolve(new MemoryStore(program, place, connection, key));
    const { port } = server.address() as AddressInfo;
    const connected = sender.connect({
      host: "127.0.0.1",
      port,
      ticket: tickets.issue(take),
      key: sourceKey ?? key,
      level,
    });
    connected.catch(() => {});
  });
  const store = await made;
  server.close();
  return store;
}

/** A store, and the other end of its plain connection. */
export async function plainStore(program: string, place: StorePlace): Promise<{ store: MemoryStore; source: Socket }> {
  const path = `${place.socket ?? place.folder}-source`;
  const server = createServer().listen(path);
  await once(server, "listening");
  const source = connect(path);
  const [connection] = (await once(server, "connection")) as [Socket];
  server.close();
  return { store: new MemoryStore(program, place, connection), source };
}

/** The bytes before each block of a connection (runtime/memory/wire/blocks.c). */
const headBytes = 8;

/** Bytes as a block, as they are or coded. */
export function block(bytes: Buffer, coded = bytes): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(bytes.length, 0);
  head.writeUInt32BE(coded.length, 4);
  return Buffer.concat([head, coded]);
}

/** Sends frames as a source does, and waits until the store has confirmed them. @throws why it has failed */
export async function sendFrames(source: Socket, store: MemoryStore, frames: Buffer): Promise<void> {
  source.write(block(frames));
  const [answer] = await Promise.race([once(source, "data"), store.failed.then((error) => Promise.reject(error))]);
  const { type } = decodeFrame((answer as Buffer).subarray(headBytes));
  if (type !== "done") throw new Error(`the store answered with '${type}'`);
}
