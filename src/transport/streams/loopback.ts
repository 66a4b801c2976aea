import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface Loopback {
  readonly port: number;
  /** Stops listening and destroys the connections that are still open. */
  close(): Promise<void>;
}

/**
 * Listens on a free port of 127.0.0.1, for a program on this host that can only connect to a port; `onConnection` joins
 * its connections with a tunnel. With `once` the port takes one connection and closes.
 */
export async function listenLoopback(options: {
  onConnection: (socket: Socket) => void;
  once?: boolean;
}): Promise<Loopback> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (options.once && !server.listening) {
      socket.destroy();
      return;
    }
    if (options.once) server.close();
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    // An error without a listener ends the agent. The stream that is joined with the socket reports it.
    socket.on("error", () => {});
    options.onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async close() {
      for (const socket of open) socket.destroy();
      if (server.listening) await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
