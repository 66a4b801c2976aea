import { GodwitError } from "../contract/errors.ts";
import { bandwidthRange, type Compression, compressionLevels, downtimeRange } from "../contract/migration.ts";

const durationUnits = new Map([
  ["ms", 1],
  ["s", 1000],
  ["min", 60_000],
  ["h", 3_600_000],
]);

const powers = { k: 1, m: 2, g: 3, t: 4 };

const durationHint = "Write a time with its unit, such as 300ms or 2s.";
const rateHint = "Write a rate with its unit, such as 400mbit, 1gbit or 50MB/s, or write unlimited.";

const compressionHint = "auto takes the level that brings the memory over in the least time.";

/** `300ms`, `2s`, `1.5min`, `1h` as milliseconds. @throws usage */
export function parseDuration(option: string, text: string): number {
  const { number, unit } = split(option, text, durationHint);
  const factor = durationUnits.get(unit);
  if (factor === undefined) throw refusal(`${option} does not know the unit '${unit}'.`, durationHint);
  const { min, max } = downtimeRange;
  return within(option, text, number * factor, { min, max, say: "1ms to 1h" }, durationHint);
}

/**
 * `400mbit`, `1gbit/s` (bits, powers of 1000), `50MB/s`, `50mbyte` (bytes, powers of 1000), `50MiB/s` (powers of 1024) as bytes
 * per second; `unlimited` as null. @throws usage
 */
export function parseRate(option: string, text: string): number | null {
  if (text.trim().toLowerCase() === "unlimited") return null;
  const { number, unit } = split(option, text, rateHint);
  const factor = rateFactor(unit.replace(/(\/s|ps)$/i, ""));
  if (factor === undefined) {
    const unclear = /^[kmgt]b(\/s)?$/i.test(unit) ? " (it may mean bits or bytes)" : "";
    throw refusal(`${option} does not know the unit '${unit}'${unclear}.`, rateHint);
  }
  return within(option, text, number * factor, { ...bandwidthRange, say: "1mbit to 1000gbit" }, rateHint);
}

/** `auto`, `off`, or a level of zstd. @throws usage */
export function parseCompression(option: string, text: string): Compression {
  if (text === "auto" || text === "off") return text;
  const level = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const { min, max } = compressionLevels;
  if (level >= min && level <= max) return level;
  throw refusal(`${option} must be auto, off, or a level from ${min} to ${max}, not '${text}'.`, compressionHint);
}

function rateFactor(unit: string): number | undefined {
  const words = /^([kmgt])(i?)(bit|byte|bytes)$/i.exec(unit) ?? /^([kmgt])(i?)(B)$/.exec(capitals(unit));
  if (!words) return undefined;
  const [, prefix = "", binary, what = ""] = words;
  const power = powers[prefix.toLowerCase() as keyof typeof powers];
  return (binary ? 1024 : 1000) ** power / (what.toLowerCase() === "bit" ? 8 : 1);
}

/** For `kB`, `MB` and `MiB`: the B must be a capital to mean bytes, the prefix may be either. */
const capitals = (unit: string) => unit.replace(/^[KMGT]/, (prefix) => prefix.toLowerCase());

function split(option: string, text: string, hint: string): { number: number; unit: string } {
  const [, number, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*(\S*)\s*$/.exec(text) ?? [];
  if (number === undefined) throw refusal(`${option} does not understand '${text}'.`, hint);
  if (unit === "") throw refusal(`${option} ${text.trim()} has no unit.`, hint);
  return { number: Number(number), unit };
}

interface Range {
  min: number;
  max: number;
  say: string;
}

function within(option: string, text: string, value: number, { min, max, say }: Range, hint: string): number {
  if (value >= min && value <= max) return value;
  throw refusal(`${option} ${text.trim()} is out of range: it goes from ${say}.`, hint);
}

const refusal = (message: string, hint: string) => new GodwitError("usage", message, { hint });
