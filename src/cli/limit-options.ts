import type { Command } from "commander";
import type { MigrationSettings } from "../contract/migration.ts";
import { parseDuration, parseRate } from "../view/quantities.ts";

/** The parsed options: ms, and bytes per second; null for no limit. */
export interface LimitOptions {
  downtimeLimit?: Parsed<number>;
  bandwidth?: Parsed<number | null>;
  drainBandwidth?: Parsed<number | null>;
}

/** A wrapper, because commander treats a null as a parser that returned nothing. */
interface Parsed<T> {
  value: T;
}

const parsed =
  <T>(parse: (option: string, text: string) => T, option: string) =>
  (text: string): Parsed<T> => ({ value: parse(option, text) });

/** The limits that a migration begins with. They can be changed while it runs. */
export function limitOptions(command: Command): Command {
  const [downtime, sync, drain] = ["--downtime-limit", "--bandwidth", "--drain-bandwidth"] as const;
  return command
    .option(
      `${downtime} <time>`,
      "longest downtime that pre-copy aims at, such as 500ms (default: 300ms)",
      parsed(parseDuration, downtime),
    )
    .option(
      `${sync} <rate>`,
      "limit for what is sent while the container runs on the source, such as 400mbit or 50MB/s (default: unlimited)",
      parsed(parseRate, sync),
    )
    .option(
      `${drain} <rate>`,
      "limit for the memory that follows after the resume (default: unlimited)",
      parsed(parseRate, drain),
    );
}

/** Only the options that were given. */
export function settingsOf({ downtimeLimit, bandwidth, drainBandwidth }: LimitOptions): MigrationSettings {
  return {
    ...(downtimeLimit === undefined ? {} : { downtimeLimitMs: downtimeLimit.value }),
    ...(bandwidth === undefined ? {} : { bandwidth: bandwidth.value }),
    ...(drainBandwidth === undefined ? {} : { drainBandwidth: drainBandwidth.value }),
  };
}
