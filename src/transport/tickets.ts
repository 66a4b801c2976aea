import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";

/** A connection with a ticket begins with these, which begin no TLS connection; the ticket and the end of a line follow. */
const greeting = "godwit ";
const ticketDigits = 32;
const lineBytes = greeting.length + ticketDigits + 1;
/** A caller says what it wants at once. */
const patienceMs = 10_000;
/** Who got a ticket calls at once, too. */
const goodForMs = 60_000;

/**
 * Connections to the agent's port that a program of this host takes over whole, because it has its own TLS with a key of its own. The
 * agent that calls got a ticket for it before, as an answer. A ticket is good for one connection, within a minute.
 */
export class Tickets {
  readonly #open = new Map<string, (connection: Socket) => void>();

  /** `take` gets the connection of the caller that shows the ticket, with nothing read beyond it. */
  issue(take: (connection: Socket) => void): string {
    const ticket = randomBytes(ticketDigits / 2).toString("hex");
    this.#open.set(ticket, take);
    setTimeout(() => this.#open.delete(ticket), goodForMs).unref();
    return ticket;
  }

  /** Looks how a connection begins: one with a ticket goes to whom it is for, any other to `other`, unread. */
  sort(connection: Socket, other: (connection: Socket) => void): void {
    const late = setTimeout(() => connection.destroy(), patienceMs).unref();
    connection.once("close", () => clearTimeout(late));
    let begun = Buffer.alloc(0);
    const look = () => {
      for (let more = connection.read(); more !== null; more = connection.read()) begun = Buffer.concat([begun, more]);
      if (begun.length === 0) return;
      const hasTicket = greeting.startsWith(begun.toString("latin1", 0, greeting.length));
      if (hasTicket && begun.length < lineBytes) return;
      connection.off("readable", look);
      clearTimeout(late);
      // Not before: a stream that gets bytes back says at once that it is readable.
      connection.unshift(begun);
      if (hasTicket) this.#redeem(connection);
      else other(connection);
    };
    connection.on("readable", look);
  }

  #redeem(connection: Socket): void {
    const ticket = connection.read(lineBytes).toString("latin1").slice(greeting.length, -1);
    const take = this.#open.get(ticket);
    this.#open.delete(ticket);
    if (take) take(connection);
    else connection.destroy();
  }
}
