import prettyBytes from "pretty-bytes";

/** Major and minor: what decides which features a program or a kernel has. */
export type Version = readonly [major: number, minor: number];

/** Major and minor of `4.2.1`, `28.5.2+dfsg1`, `6.18.5-cloud-amd64`. What is not a number counts as 0. */
export function versionOf(text: string): Version {
  const [, major, minor] = /^\D*(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}

export function versionAtLeast(version: Version, min: Version): boolean {
  return version[0] > min[0] || (version[0] === min[0] && version[1] >= min[1]);
}

/** `512 B`, `1.5 KiB`, `20 MiB`: powers of 1024, three significant digits. @throws TypeError for NaN and infinity */
export const bytes = (count: number): string => prettyBytes(count, { binary: true });

/** A limit in bytes per second as operators write it: `400 Mbit/s`, `1.5 Gbit/s`, `unlimited` for null. */
export const rate = (bytesPerSecond: number | null): string =>
  bytesPerSecond === null ? "unlimited" : `${prettyBytes(bytesPerSecond * 8, { bits: true })}/s`;
