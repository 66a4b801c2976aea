import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { PageRun } from "../../host/proc/page-run.ts";
import { ConnectionBroke, MemorySender, type Round, type SentRound } from "./memory-sender.ts";
import { MemoryStore } from "./memory-store.ts";
import type { SentProcess } from "./parents-first.ts";

/** A copy of a container's memory on its own host: a MemorySender that is connected with a MemoryStore here. */
export class MemoryCopy implements AsyncDisposable {
  readonly sender: MemorySender;
  readonly #store: MemoryStore;

  private constructor(sender: MemorySender, store: MemoryStore) {
    this.sender = sender;
    this.#store = store;
  }

  /**
   * @param program godwit-memory
   * @param folder in a tmpfs
   * @param container a name for messages
   */
  static async make(program: string, folder: string, container: string): Promise<MemoryCopy> {
    const path = join(folder, "source.socket");
    const server = createServer().listen(path);
    await once(server, "listening");
    const sender = new MemorySender(program, container);
    try {
      const accepted = once(server, "connection");
      await sender.connectHere(path);
      const [connection] = (await accepted) as [Socket];
      return new MemoryCopy(sender, new MemoryStore(program, { folder }, connection));
    } catch (error) {
      await sender[Symbol.asyncDispose]();
      throw error;
    } finally {
      server.close();
      await rm(path, { force: true });
    }
  }

  /**
   * As `send` of MemorySender. `sent` is the bytes of the round once it has arrived.
   * @throws the system's error where the copy has no room, such as ENOSPC; the reason of the signal. It is of no more use then
   */
  send(
    processes: readonly SentProcess[],
    round: Round,
    signal?: AbortSignal,
  ): Omit<SentRound, "arrived"> & { sent: Promise<number> } {
    let bytes = 0;
    const cut = () => this.sender.cut();
    if (signal?.aborted) cut();
    signal?.addEventListener("abort", cut);
    const onSent = (more: number) => {
      bytes += more;
    };
    const { begun, arrived } = this.sender.send(processes, round, { onSent });
    const explained = async <T>(promise: Promise<T>): Promise<T> => {
      try {
        return await promise;
      } catch (error) {
        signal?.throwIfAborted();
        // The store says why; the sender only sees that the connection broke.
        if (error instanceof ConnectionBroke) throw await this.#store.failed;
        throw error;
      }
    };
    const sent = explained(arrived)
      .finally(() => signal?.removeEventListener("abort", cut))
      .then(() => bytes);
    const read = explained(begun);
    for (const promise of [read, sent]) promise.catch(() => {});
    return { begun: read, sent };
  }

  /** As `look` of MemoryStore. */
  look(runs: readonly PageRun[]) {
    return this.#store.look(runs);
  }

  /** Ends both programs. What has come stays in the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender[Symbol.asyncDispose]();
    await this.#store.close();
  }
}
