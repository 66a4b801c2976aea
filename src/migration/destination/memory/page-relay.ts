import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { gather, joinStreams } from "../../../transport/streams/streams.ts";

/** Bytes buffered for the program before the connection is paused. */
const gatheredBytes = 512 * 1024;

/** Joins the connection that comes from the source with the program that puts pages into the container. */
export class PageRelay {
  /** Where the program listens, once it does. */
  #path: string | undefined;
  #connection: Duplex | undefined;

  /** A connection takes the place of the one before it, and waits for the program. */
  attach(connection: Duplex): void {
    this.#connection?.destroy();
    this.#connection = connection;
    connection.on("error", () => {});
    this.#join();
  }

  /** The program listens there. */
  serve(path: string): void {
    this.#path = path;
    this.#join();
  }

  close(): void {
    this.#connection?.destroy();
  }

  #join(): void {
    if (!this.#path || !this.#connection) return;
    const options = { path: this.#path, allowHalfOpen: true, writableHighWaterMark: gatheredBytes };
    const socket = connect(options);
    socket.on("error", () => {});
    gather(this.#connection, socket);
    joinStreams(this.#connection, socket).catch(() => {});
  }
}
