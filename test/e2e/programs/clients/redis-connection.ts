import { connect as connectTo } from "node:net";
import { createInterface } from "node:readline";

/** One connection, one request at a time. */
export interface Connection {
  address: string;
  /** @throws where the connection has ended, or the server answers with an error */
  ask(...words: string[]): Promise<string>;
  close(): void;
}

/** @throws where nobody answers a PING within `limitMs`: the kernel takes connections also for a server that stands still */
export async function connect(address: string, limitMs: number): Promise<Connection> {
  const [host = "", port = "6379"] = address.split(":");
  const socket = connectTo({ host, port: Number(port), noDelay: true });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const failed = new Promise<never>((_, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection ended")));
  });
  failed.catch(() => {});
  const line = async () => {
    const next = await Promise.race([lines.next(), failed]);
    if (next.done) throw new Error("the connection ended");
    return next.value;
  };
  const connection: Connection = {
    address,
    async ask(...words) {
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`);
      const head = await line();
      if (head.startsWith("-")) throw new Error(`Redis answers ${head}`);
      return head.startsWith("$") && head !== "$-1" ? line() : head.slice(1);
    },
    close: () => socket.destroy(),
  };
  const limit = setTimeout(connection.close, limitMs);
  try {
    await connection.ask("PING");
  } finally {
    clearTimeout(limit);
  }
  return connection;
}
