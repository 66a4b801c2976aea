import type { Command } from "commander";
import type { MigrationSettings } from "../contract/migration.ts";
import { parseDuration, parseRate } from "../view/quantities.ts";

/** What the options were parsed into: ms, bytes per second. */
export interface LimitOptions {
  downtimeLimit?: Parsed<number>;
  bandwidth?: Parsed<number | null>;
  drainBandwidth?: Parsed<number | null>;
}

/** In a wrapper, because commander takes a null for a parser that gave nothing. */
interface Parsed<T> {
  value: T;
}

const parsed =
  <T>(parse: (option: string, text: string) => T, option: string) =>
  (text: string): Parsed<T> => ({ value: parse(option, text) });

/** The limits that a migration begins with, and that can be changed while it runs. */
export function limitOptions(command: Command): Command {
  const [downtime, sync, drain] = ["--downtime-limit", "--bandwidth", "--drain-bandwidth"] as const;
  return command
    .option(
      `${downtime} <time>`,
      "longest downtime that pre-copy aims at, such as 500ms (by default 300ms)",
      parsed(parseDuration, downtime),
    )
    .option(
      `${sync} <rate>`,
      "limit of what is sent while it runs here, such as 400mbit or 50MB/s (by default unlimited)",
      parsed(parseRate, sync),
    )
    .option(
      `${drain} <rate>`,
      "limit of the memory that follows after the resume (by default unlimited)",
      parsed(parseRate, drain),
    );
}

/** Only what was given. */
export function settingsOf({ downtimeLimit, bandwidth, drainBandwidth }: LimitOptions): MigrationSettings {
  return {
    ...(downtimeLimit === undefined ? {} : { downtimeLimitMs: downtimeLimit.value }),
    ...(bandwidth === undefined ? {} : { bandwidth: bandwidth.value }),
    ...(drainBandwidth === undefined ? {} : { drainBandwidth: drainBandwidth.value }),
  };
}
