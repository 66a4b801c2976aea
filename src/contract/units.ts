export type Version = readonly [major: number, minor: number];

/** Major and minor of `4.2.1`, `28.5.2+dfsg1`, `6.18.5-cloud-amd64`. What is not a number counts as 0. */
export function versionOf(text: string): Version {
  const [, major, minor] = /^\D*(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}

export function versionAtLeast(version: Version, least: Version): boolean {
  return version[0] > least[0] || (version[0] === least[0] && version[1] >= least[1]);
}

/** `512 B`, `1.5 KiB`, `20 MiB`: powers of 1024, one digit after the point below ten. */
export function bytes(count: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let i = 0;
  for (; value >= 1024 && i < names.length - 1; i++) value /= 1024;
  return `${i > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${names[i]}`;
}
