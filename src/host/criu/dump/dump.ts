import { statfs } from "node:fs/promises";
import { GodwitError } from "../../../contract/errors.ts";
import type { RuncContainer } from "../../runtime/runc.ts";
import { type DumpRequest, holdRunc } from "./held-runc.ts";

const fullBelowBytes = 64 * 1024;

/** A dump that has begun, up to the point where CRIU would look at the container: what that costs is paid before the freeze. */
export interface HeldDump {
  /** Seen when the dump has ended: one that is killed leaves CRIU's code in the processes, and a frozen cgroup behind it. */
  run(signal?: AbortSignal): Promise<void>;
  /** Harmless where it runs or has ended. */
  drop(): void;
}

/**
 * Begins a dump of a container that will be frozen. When it has run, the container is as it was: frozen, whole, and nobody's but
 * the caller's to thaw or to kill.
 * @throws dump-failed with CRIU's reason; the container is still whole then
 */
export async function holdDump(container: RuncContainer, request: DumpRequest): Promise<HeldDump> {
  const more = request.pagePort ? ["--page-server", `127.0.0.1:${request.pagePort}`] : [];
  const held = await holdRunc(container, request, { more, options: [], lazy: false });
  const dump = async (signal?: AbortSignal) => {
    await held.release();
    try {
      await held.ended;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GodwitError) || !(await isFull(request.images))) throw error;
      throw new GodwitError("no-space", `There is no space left in ${request.images} for the container's memory.`, {
        details: error.details ?? [],
      });
    }
    signal?.throwIfAborted();
  };
  return { run: dump, drop: held.drop };
}

/** CRIU's log, which would say so, may be on the same full disk. */
async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < fullBelowBytes;
}
