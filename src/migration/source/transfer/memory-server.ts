import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type FrozenMemory, MemoryLost } from "../../../memory/frozen-memory.ts";
import { type PageSenderOptions, sendPages } from "../../../memory/pages/sender.ts";

const retryMs = 250;

type Memory = Pick<FrozenMemory, "read" | "close">;

interface ServeOptions {
  /** Makes a connection to the destination. */
  open: () => Promise<Duplex>;
  rate: PageSenderOptions["rate"];
}

/**
 * Serves the memory of a frozen original to its destination, in post-copy. Where a connection breaks, the next one begins with what
 * the destination still lacks: it does not matter what was on its way.
 */
export class MemoryServer {
  /** The memory was lost before the destination had all of it, and the destination must still be told. */
  owesLoss = false;
  #options: ServeOptions | undefined;
  #connection: Duplex | undefined;
  #closed = false;

  /** Makes the first connection before it is needed. @throws agent-unreachable and the like */
  async connect(options: ServeOptions): Promise<void> {
    this.#options = options;
    this.#connection = await options.open();
    this.#connection.on("error", () => {});
  }

  /** Goes on after a restart of the agent: connections are made when they are needed. */
  resume(options: ServeOptions): void {
    this.#options = options;
  }

  /** Returns when the destination has everything, when the memory is lost, or after `close`. */
  async serve(memory: Memory): Promise<void> {
    try {
      while (!this.#closed) {
        if (await this.#serveOnce(memory)) return;
        await sleep(retryMs);
      }
    } catch (error) {
      if (!(error instanceof MemoryLost)) throw error;
      this.owesLoss = true;
    } finally {
      memory.close();
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.destroy();
  }

  /** @returns whether the destination has everything */
  async #serveOnce(memory: Memory): Promise<boolean> {
    const options = this.#options;
    if (!options) throw new Error("memory is served before a connection was made");
    try {
      if (!this.#connection) await this.connect(options);
      if (this.#closed) this.#connection?.destroy();
      if (this.#connection) await sendPages({ memory, stream: this.#connection, rate: options.rate });
      return true;
    } catch (error) {
      if (error instanceof MemoryLost && !this.#closed) throw error;
      // The connection broke: the next one goes on.
      return false;
    } finally {
      this.#connection = undefined;
    }
  }
}
