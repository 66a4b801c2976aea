import { statfs } from "node:fs/promises";
import { GodwitError } from "../../../contract/errors.ts";
import type { RuncContainer } from "../../runtime/runc.ts";
import { type DumpRequest, holdRunc } from "./held-runc.ts";

const fullBelowBytes = 64 * 1024;

/** A dump that has started, and stops before CRIU looks at the container. Its start happens before the freeze and costs no downtime. */
export interface HeldDump {
  /**
   * Lets the dump go on, and returns when it has ended. `signal` has CRIU end it: a killed CRIU would leave its code in the processes,
   * and the cgroup frozen. The reason of the signal is thrown after the end.
   * @throws dump-failed, or no-space where the folder of the images is full
   */
  run(signal?: AbortSignal): Promise<void>;
  /** Ends a dump that has not run. Harmless where it runs or has ended. */
  drop(): void;
}

/**
 * Starts a dump of a container that will be frozen. After the dump the container is as it was: frozen and complete. Only the caller
 * thaws it or kills it.
 * @throws dump-failed with CRIU's reason; the container is still complete then
 */
export async function holdDump(container: RuncContainer, request: DumpRequest): Promise<HeldDump> {
  const held = await holdRunc(container, request, { more: [], options: [], lazy: false });
  const dump = async (signal?: AbortSignal) => {
    await held.release();
    const end = () => held.end("it was cancelled");
    signal?.addEventListener("abort", end);
    try {
      await held.ended;
    } catch (error) {
      signal?.throwIfAborted();
      throw await explainFull(error, request.images);
    } finally {
      signal?.removeEventListener("abort", end);
    }
    signal?.throwIfAborted();
  };
  return { run: dump, drop: held.drop };
}

/** What a failed dump means to a user where the folder of its images is full; any other error as it is. */
export async function explainFull(error: unknown, images: string): Promise<unknown> {
  if (!(error instanceof GodwitError) || !(await isFull(images))) return error;
  return new GodwitError("no-space", `There is no space left in ${images} for the container's memory.`, {
    details: error.details ?? [],
  });
}

/** The disk is examined, because CRIU's log may be on the same full disk. */
async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < fullBelowBytes;
}
