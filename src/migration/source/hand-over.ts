import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import type { Departure } from "./departure.ts";

/** So long the operation waits for a destination that fell silent with the baton on its way; the agent asks on after it. */
const silenceMs = 30_000;
/** A link that is cut for a minute must not end a drain. */
const drainSilenceMs = 120_000;
/** So long an operation that failed waits for the destination to undo its part. */
const tellMs = 5_000;

/** Told of a departure that goes on being settled after the operation has ended. */
export type Unsettled = (departure: Departure) => void;

/** Waits for the destination's word about the baton. @returns the downtime in ms */
export async function handOver(departure: Departure, frozenAt: number, unsettled: Unsettled): Promise<number> {
  const decided = () => departure.record.state.at === "finished" || departure.record.state.at === "holds";
  const known = await departure.settle(() => decided() || departure.ranThere, silenceMs);
  const downtimeMs = performance.now() - frozenAt;
  if (!known) {
    unsettled(departure);
    throw fellSilent(departure);
  }
  if (departure.record.state.at === "holds") {
    departure.forget();
    throw departure.reason();
  }
  return downtimeMs;
}

/**
 * Waits until the destination needs nothing more from here, of which `drained` is told, and then until the original is gone.
 * @throws why the container is here again, or baton-unresolved
 */
export async function finished(departure: Departure, unsettled: Unsettled, drained: () => void): Promise<void> {
  await departure.complete(drainSilenceMs, drained);
  if (departure.record.state.at === "passed") {
    unsettled(departure);
    throw fellSilent(departure);
  }
  if (departure.record.state.at !== "finished") throw departure.reason();
}

/** The container runs on at once; the destination is told in the background if it does not answer in a moment. */
export async function giveUp(departure: Departure, unsettled: Unsettled): Promise<void> {
  const told = departure.cancel().then(() => {
    unsettled(departure);
  });
  await Promise.race([told, sleep(tellMs, undefined, { ref: false })]);
}

/** A stream that broke, or a dump whose pages nobody took any more: the destination may have said why when it was told to give up. */
export function refusalBehind(departure: Departure, error: unknown): unknown {
  const broken =
    error instanceof GodwitError && ["dump-failed", "transfer-failed", "command-failed"].includes(error.code);
  return broken && departure.refusal ? departure.reason() : error;
}

/** What to tell a user whose container waits frozen here. */
export function fellSilent(departure: Departure): GodwitError {
  const { container, destination } = departure.record;
  return new GodwitError(
    "baton-unresolved",
    `${destination} fell silent after it was given '${container}', which waits frozen here.`,
    {
      hint: `This agent asks on; to ask at once: godwit recover ${container}. If ${destination} is gone for good: godwit recover ${container} --force`,
    },
  );
}
