import { GodwitError } from "../../contract/errors.ts";
import type { InFlight, Look } from "./look.ts";

/** What waiting for a quiet instant needs of a container. */
export interface QuietWorld<Processes> {
  /** Processes of the container while it runs. */
  running(): Promise<Processes>;
  /** Returns its processes when they stand still. */
  freeze(): Promise<Processes>;
  thaw(): Promise<void>;
  look(processes: Processes): Promise<Look>;
  /** What is in flight that may come at any time, and takes under a millisecond to see. */
  lookAtLocks(processes: Processes): Promise<InFlight[]>;
  /** In ms. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** It has to wait; called once. */
  onWait?(): void;
}

/** How long a freeze waits for a quiet instant. The container runs meanwhile. */
export const quietBudgetMs = 2000;

/** A server under load has something in flight at most instants. Each freeze that is taken back delays what it does. */
const mostThaws = 5;
/** A program handles an event within this time, if it is not busy. */
const pauseMs = 20;

/**
 * Freezes a container at an instant at which nothing is in flight that a dump loses. It waits while the container runs. If something
 * comes between the last look and the freeze, it thaws the container and waits on.
 * @param budgetMs after this time it freezes in any case, and after a few freezes that it has taken back
 * @returns the frozen processes, and what is in flight
 */
export async function freezeInQuiet<Processes>(
  world: QuietWorld<Processes>,
  budgetMs: number,
): Promise<{ processes: Processes; inFlight: InFlight[] }> {
  const deadline = world.now() + budgetMs;
  let hasWaited = false;
  const pause = async () => {
    if (!hasWaited) world.onWait?.();
    hasWaited = true;
    await world.sleep(pauseMs);
  };
  // Where nothing can be in flight, a look under the freeze would cost time for nothing.
  let isWatched = true;
  const find = async (processes: Processes): Promise<InFlight[]> => {
    const locks = await world.lookAtLocks(processes);
    if (!isWatched) return locks;
    const { watched, inFlight } = await world.look(processes);
    isWatched = watched > 0;
    return [...inFlight, ...locks];
  };
  for (let thaws = 0; ; thaws++) {
    isWatched = true;
    while ((await find(await world.running())).length > 0 && world.now() < deadline) {
      await pause();
      isWatched = true;
    }
    const processes = await world.freeze();
    const inFlight = await find(processes);
    if (inFlight.length === 0 || thaws === mostThaws || world.now() >= deadline) return { processes, inFlight };
    await world.thaw();
    await pause();
  }
}

const losses: Partial<Record<InFlight["kind"], string>> = {
  inotify: "These events are lost.",
  netlink: "These messages are lost.",
  inet: "This connection ends.",
  sqlite:
    "SQLite knows a file by its inode number, which changes: if the process opens the database once more and closes that, the locks of this connection end.",
};

/** A connection to a unix socket is not lost: CRIU keeps it, or refuses the dump where its client has sent something. */
const lossy = (inFlight: InFlight[]) => inFlight.filter(({ kind }) => losses[kind]);

/** @param otherwise what else a user can do than try again. @throws in-flight, if something would be lost */
export function refuseInFlight(inFlight: InFlight[], otherwise: string): void {
  const what = lossy(inFlight).map(({ text }) => text);
  if (what.length === 0) return;
  const seconds = quietBudgetMs / 1000;
  throw new GodwitError(
    "in-flight",
    `For ${seconds} s something was in flight that would be lost: ${what.join("; ")}.`,
    {
      hint: `Try again when the program is less busy, or ${otherwise}.`,
    },
  );
}

/** @param otherwise what becomes of it, where it is not lost for the container that was frozen */
export function warnOfInFlight(
  inFlight: InFlight[],
  context: { warn(message: string): void },
  otherwise?: string,
): void {
  for (const { kind, text } of lossy(inFlight))
    context.warn(`${text[0]?.toUpperCase()}${text.slice(1)}. ${otherwise ?? losses[kind]}`);
}
