import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { explainFull, type HeldDump, holdDump } from "../../host/criu/dump/dump.ts";
import { type HeldLazyDump, holdLazyDump } from "../../host/criu/dump/lazy-dump.ts";
import { sharedObjectsFile } from "../../host/criu/images/shared-objects.ts";
import type { ContainerProcess } from "../../host/proc/processes.ts";
import type { CheckpointFolder } from "../store/store.ts";
import { type Capture, RunningMemory } from "./running-memory.ts";

/**
 * How the processes of a container, with their memory, get into the images of a checkpoint: their memory in rounds while they run, and
 * under the freeze only what is left; or all under the freeze, where rounds are not possible.
 */
export class ProcessDump implements AsyncDisposable {
  readonly #capture: Capture;
  readonly #folder: CheckpointFolder;
  #inRounds: { memory: RunningMemory; held: HeldLazyDump } | undefined;
  #whole: HeldDump | undefined;
  /** Bytes of memory that were copied under the freeze; null where CRIU wrote all of it then. */
  frozenBytes: number | null = null;

  private constructor(capture: Capture, folder: CheckpointFolder) {
    this.#capture = capture;
    this.#folder = folder;
  }

  /**
   * Copies the memory a first time, if `staysRunning`, and starts CRIU, which waits for the freeze.
   * @throws dump-failed
   */
  static async begin(capture: Capture, folder: CheckpointFolder, staysRunning: boolean): Promise<ProcessDump> {
    const dump = new ProcessDump(capture, folder);
    if (staysRunning) await dump.#unlessItFails(() => dump.#beginRounds());
    if (!dump.#inRounds) dump.#whole = await holdDump(capture.running, dump.#places);
    return dump;
  }

  /** Right before the freeze: what was written to meanwhile. */
  async beforeFreeze(): Promise<void> {
    const { context, running } = this.#capture;
    const memory = this.#inRounds?.memory;
    if (!memory) return;
    await this.#unlessItFails(() => context.step("last rounds of memory", {}, () => memory.lastRounds()));
    if (!this.#inRounds) this.#whole = await holdDump(running, this.#places);
  }

  /** Dumps the frozen container. Returns, or throws, when CRIU has let go of its processes. @throws dump-failed, no-space, cancelled */
  async run(processes: ContainerProcess[]): Promise<void> {
    const { signal } = this.#capture.context;
    if (!this.#inRounds) return this.#whole?.run(signal);
    const { memory, held } = this.#inRounds;
    const { begun, sent } = memory.sendRest(processes, this.#list);
    // CRIU changes private pages for a moment while it dumps.
    await begun.catch(explain);
    const dump = held
      .run(signal)
      .then(() => held.finish())
      .catch(async (error) => Promise.reject(await explainFull(error, this.#places.images)));
    const [dumped, arrived] = await Promise.allSettled([dump, sent.catch(explain)]);
    signal.throwIfAborted();
    if (dumped.status === "rejected") throw dumped.reason;
    if (arrived.status === "rejected") throw arrived.reason;
    this.frozenBytes = arrived.value;
  }

  /** Call it when the container runs again. The images are whole when this returns. */
  async complete(): Promise<void> {
    const memory = this.#inRounds?.memory;
    if (!memory) return;
    await memory.endTracking();
    await this.#capture.context.step("write memory", {}, () => memory.complete(this.#folder.images));
  }

  /** Ends a dump that has not run. Harmless otherwise. */
  drop(): void {
    this.#whole?.drop();
    this.#inRounds?.held.end();
  }

  /** Ends what is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await this.#endRounds();
  }

  async #beginRounds(): Promise<void> {
    const { running, host, context } = this.#capture;
    const memory = await RunningMemory.open(this.#capture);
    if (!(memory instanceof RunningMemory)) return this.#allUnderFreeze(memory.because, memory.remedy);
    try {
      await context.step("copy memory", {}, () => memory.round());
      // Of its own: another dump may follow.
      const work = join(this.#places.work, "in-rounds");
      const request = { ...this.#places, work, leftOut: this.#list };
      const held = await holdLazyDump(running, request, (await host.facts()).criu?.version ?? "");
      this.#inRounds = { memory, held };
    } catch (error) {
      await memory[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #unlessItFails(rounds: () => Promise<void>): Promise<void> {
    try {
      await rounds();
    } catch (error) {
      await this.#endRounds();
      this.#capture.context.signal.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ENOSPC") this.#allUnderFreeze("it grew, and its copy had no room any more", "Free memory.");
      else this.#allUnderFreeze(`it could not be copied before: ${message}`);
    }
  }

  #allUnderFreeze(because: string, remedy?: string): void {
    const { context, name } = this.#capture;
    context.warn(`All memory of '${name}' is saved while it stands still, because ${because}.`, remedy);
  }

  async #endRounds(): Promise<void> {
    const { memory, held } = this.#inRounds ?? {};
    this.#inRounds = undefined;
    held?.end();
    await memory?.[Symbol.asyncDispose]();
  }

  get #places() {
    return { images: this.#folder.images, work: join(this.#folder.path, "work") };
  }

  get #list(): string {
    return join(this.#folder.images, sharedObjectsFile);
  }
}

function explain(error: NodeJS.ErrnoException): never {
  if (error.code !== "ENOSPC") throw error;
  throw new GodwitError("no-space", "There is no room left for the copy of the container's memory: it has grown.", {
    hint: "Free memory and try again.",
  });
}
