import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type FrozenMemory, MemoryLost } from "../../memory/frozen-memory.ts";
import { type PageSenderOptions, sendPages } from "../../memory/pages/sender.ts";

const retryMs = 250;

/**
 * Serves the memory of a frozen original to its destination, over one connection after another where they break: each begins with
 * what the destination still lacks, so that it does not matter what was on its way.
 */
export class PageService {
  readonly #open: () => Promise<Duplex>;
  readonly #rate: PageSenderOptions["rate"];
  #connection: Duplex | undefined;
  #closed = false;

  /** `open` makes a connection to the destination. */
  constructor(open: () => Promise<Duplex>, rate: PageSenderOptions["rate"]) {
    this.#open = open;
    this.#rate = rate;
  }

  /** Makes the first connection before it is needed. @throws agent-unreachable and the like */
  async connect(): Promise<void> {
    this.#connection = await this.#open();
    this.#connection.on("error", () => {});
  }

  /** Returns when the destination has everything, or after `close`. @throws MemoryLost */
  async serve(memory: Pick<FrozenMemory, "read" | "close">): Promise<void> {
    try {
      while (!this.#closed) {
        if (await this.#serveOnce(memory)) return;
        await sleep(retryMs);
      }
    } finally {
      memory.close();
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.destroy();
  }

  /** Whether the destination has everything. */
  async #serveOnce(memory: Pick<FrozenMemory, "read">): Promise<boolean> {
    try {
      if (!this.#connection) await this.connect();
      if (this.#closed) this.#connection?.destroy();
      if (this.#connection) await sendPages({ memory, stream: this.#connection, rate: this.#rate });
      return true;
    } catch (error) {
      if (error instanceof MemoryLost && !this.#closed) throw error;
      return false;
    } finally {
      this.#connection = undefined;
    }
  }
}
