import type { Duplex } from "node:stream";
import type { PageProtocol, PageRun } from "../../host/criu/page-protocol.ts";
import { pageBytes } from "../../host/criu/page-size.ts";
import { ExactReader } from "../../transport/exact-read.ts";

/** The memory of a frozen container, as the CRIU that dumped it serves it. */
export class DumpedPages {
  readonly #socket: Duplex;
  readonly #reader: ExactReader;
  readonly #protocol: PageProtocol;
  #last: Promise<unknown> = Promise.resolve();

  /** The socket is connected with the port of a lazy dump, and is used by nobody else. */
  constructor(socket: Duplex, protocol: PageProtocol) {
    this.#socket = socket;
    this.#reader = new ExactReader(socket);
    this.#protocol = protocol;
  }

  /**
   * The first pages of the run; at least one, and fewer than asked where CRIU keeps them apart. Questions may be asked before
   * the answer to an earlier one.
   * @throws Error where the dump has ended, also because it was asked for a page that it does not have
   */
  read(run: PageRun): Promise<Buffer> {
    this.#socket.write(this.#protocol.question(run));
    const answer = this.#last.then(async () => {
      const header = await this.#reader.read(this.#protocol.headerBytes);
      if (!header) throw new Error("the dump of the container has ended");
      const { first, count } = this.#protocol.readAnswer(header);
      if (first !== run.first || count > run.count || count < 1) throw new Error("CRIU sent other pages");
      const pages = await this.#reader.read(count * pageBytes);
      if (!pages) throw new Error("the dump of the container has ended");
      return pages;
    });
    this.#last = answer;
    answer.catch(() => {});
    return answer;
  }

  /** Ends the dump in good order. */
  end(): void {
    this.#socket.end(this.#protocol.goodbye());
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
