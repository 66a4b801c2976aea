import { sharesApart } from "../../checks/host/dirty-tracking.ts";
import { GodwitError } from "../../contract/errors.ts";
import { tellApart } from "../../host/container/exec-sessions.ts";
import { sharedMemoryOf } from "../../host/container/facts.ts";
import { completeImages } from "../../host/criu/images/complete.ts";
import { inImages, writeInheritance } from "../../host/criu/restore/inheritance.ts";
import { lazyRuns } from "../../host/criu/restore/lazy-orders.ts";
import { dropTouched } from "../../host/criu/restore/touched-pages.ts";
import type { Host } from "../../host/host.ts";
import { memoryPath } from "../../host/paths.ts";
import { isGone } from "../../host/proc/gone.ts";
import { anonymousMemory, type ContainerProcess, containerProcesses } from "../../host/proc/processes.ts";
import { memorySpaceOf, reserveImageSpace } from "../../host/restore/image-space.ts";
import type { RuncContainer } from "../../host/runtime/runc.ts";
import { MemoryCopy } from "../../memory/rounds/memory-copy.ts";
import { pinnedProcesses } from "../../memory/rounds/pinned-processes.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { RecoveryRecord } from "../recovery/recovery-record.ts";
import { copyRefused, type Refusal, roomForCopy } from "./refusal.ts";

const mostRounds = 6;
/** Copying this takes no time that is worth another round. */
const smallBytes = 512 * 1024;
/** A round that leaves more than this share of what was left before it is not worth another one. */
const worthwhile = 0.75;

/** The container that is captured, and what a capture works with. */
export interface Capture {
  host: Host;
  running: RuncContainer;
  /** Of the container. */
  name: string;
  recovery: RecoveryRecord;
  context: OperationContext;
}

/** The memory of a running container, which goes into a tmpfs of this host in rounds. */
export class RunningMemory implements AsyncDisposable {
  readonly #capture: Capture;
  readonly #copy: MemoryCopy;
  readonly #folder: string;
  readonly #release: () => Promise<void>;
  /** Shared memory is in the rounds too. CRIU leaves it out. */
  readonly #isShared: boolean;
  /** Processes that are tracked, or cannot be: those give all of their memory in each round. */
  readonly #known = new Set<number>();

  private constructor(
    capture: Capture,
    copy: MemoryCopy,
    space: { pages: string; release(): Promise<void> },
    isShared: boolean,
  ) {
    this.#capture = capture;
    this.#folder = space.pages;
    this.#release = space.release;
    this.#isShared = isShared;
    this.#copy = copy;
  }

  /** @returns what keeps it from being copied while it runs, where something does */
  static async open(capture: Capture): Promise<RunningMemory | Refusal> {
    const { host, running, recovery, context } = capture;
    const facts = await host.facts();
    const isShared = sharesApart(facts);
    const [own, shared] = await Promise.all([privateMemory(running), sharedMemoryOf(running)]);
    const memoryBytes = own + (isShared ? shared.memoryBytes : 0);
    const pinned = facts.pageScan || facts.softDirty ? await pinnedProcesses(running) : [];
    const refusal = copyRefused(facts, { memoryBytes, pinned });
    if (refusal) return refusal;
    const id = memorySpaceOf(context.id);
    recovery.save({ space: id });
    const space = await reserveImageSpace(id, roomForCopy(memoryBytes));
    try {
      const copy = await MemoryCopy.make(memoryPath, space.pages, capture.name);
      return new RunningMemory(capture, copy, space, isShared);
    } catch (error) {
      await space.release();
      throw error;
    }
  }

  /** Copies what was written to since the round before. @throws what `send` of MemoryCopy throws */
  async round(): Promise<void> {
    const { context } = this.#capture;
    await this.#copy.send(await this.#processes(), { state: "live", ...this.#parts }, context.signal).sent;
  }

  /** Rounds, until little is left or another one does not help. */
  async lastRounds(): Promise<void> {
    let left = await this.#left();
    for (let round = 0; round < mostRounds && left > smallBytes; round++) {
      await this.round();
      const now = await this.#left();
      if (now > left * worthwhile) return;
      left = now;
    }
  }

  /**
   * The last round, of frozen processes.
   * @param list gets the list of shared objects that CRIU leaves out
   */
  sendRest(processes: ContainerProcess[], list: string) {
    const { signal } = this.#capture.context;
    return this.#copy.send(processes, { state: "frozen", ...this.#parts, list }, signal);
  }

  /** Call it when the processes may run again: what they write is not tracked any more. */
  async endTracking(): Promise<void> {
    await this.#copy.sender[Symbol.asyncDispose]();
  }

  /** Puts the memory into the images of a dump that has left it out. @throws dump-failed where a page never came */
  async complete(images: string): Promise<void> {
    const { missing, shared } = await this.#copy.look(await lazyRuns(images));
    const [lost] = await dropTouched(images, missing);
    if (lost)
      throw new GodwitError(
        "dump-failed",
        `Page ${lost.first.toString(16)} of process ${lost.task} of '${this.#capture.name}' was not copied.`,
        { hint: "Please report it as a bug." },
      );
    await completeImages(images, this.#folder, shared);
    await writeInheritance(images, shared, await inImages(images));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#copy[Symbol.asyncDispose]();
    await this.#release();
    this.#capture.recovery.save({ space: null });
  }

  get #parts() {
    return { isPrivate: true, isShared: this.#isShared, tellsSharing: true };
  }

  async #left(): Promise<number> {
    return this.#copy.sender.changed((await ownProcesses(this.#capture.running)).map(({ hostPid }) => hostPid));
  }

  async #processes(): Promise<ContainerProcess[]> {
    const found = await ownProcesses(this.#capture.running);
    for (const { hostPid, pid, command } of found) {
      if (this.#known.has(hostPid)) continue;
      this.#known.add(hostPid);
      await this.#copy.sender.track(hostPid).catch((error: NodeJS.ErrnoException) => {
        if (isGone(error)) return;
        this.#capture.context.warn(
          `Process ${pid} (${command}) cannot be tracked (${error.code ?? error.message}): all of its memory is copied while the container stands still.`,
        );
      });
    }
    return found;
  }
}

async function ownProcesses({ cgroup, pid }: RuncContainer): Promise<ContainerProcess[]> {
  return (await tellApart(await containerProcesses(cgroup), pid)).own;
}

async function privateMemory(running: RuncContainer): Promise<number> {
  const each = await Promise.all((await ownProcesses(running)).map(({ hostPid }) => anonymousMemory(hostPid)));
  return each.reduce((total, memory) => total + memory, 0);
}
