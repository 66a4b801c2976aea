import { setTimeout as sleep } from "node:timers/promises";
import type { Case } from "../cases.ts";
import type { BenchLab } from "./bench-lab.ts";

/** Name of the container that is moved. */
export const container = "bench";

/** What it does between ready and its move is not the start of a process any more. */
const settleMs = 1000;

export const tickerArguments = ({ memoryMiB, processes, dirtyMBs }: Case): string =>
  `${memoryMiB / processes} ${dirtyMBs} ${processes}`;

/** A volume of files that do not compress, of 64 MiB each. */
const fillVolume = (volumeMiB: number): string =>
  `folder=$(docker volume inspect -f '{{.Mountpoint}}' bulk) && head -c 64M /dev/urandom >"$folder/0" &&
  for i in $(seq ${volumeMiB / 64 - 1}); do cp --reflink=never "$folder/0" "$folder/$i"; done && sync`;

/** Starts the program in a container of h1, and returns when its memory is full, and its files are there. */
export async function startTicker(lab: BenchLab, measured: Case): Promise<void> {
  const { files, volumeMiB } = measured;
  const volume = volumeMiB ? "--volume bulk:/bulk" : "";
  const more = files ? `${files.count} ${files.changing}` : "";
  const program = `bench /bin/ticker ${tickerArguments(measured)} ${more}`;
  await lab.on("h1", `${lab.engine.run} --name ${container} ${volume} ${program}`);
  if (volumeMiB) await lab.on("h1", fillVolume(volumeMiB));
  await said(lab, "h1", /^ready$/m, 120_000);
  await sleep(settleMs);
}

/** The longest pause that ended between two instants, in ms, by what the program printed. The instants are in ms since 1970. */
export function longestGap(log: string, from: number, to: number): number | undefined {
  const gaps = [...log.matchAll(/^gap ([\d.]+) ([\d.]+)$/gm)]
    .filter(([, , end]) => Number(end) * 1000 >= from && Number(end) * 1000 <= to)
    .map(([, ms]) => Number(ms));
  return gaps.length > 0 ? Math.max(...gaps) : undefined;
}

/**
 * The longest pause that the program saw since `from`, once it runs on h2 and all of its memory was looked at.
 * @throws Error where a page is wrong, or where it saw no pause: then it was not moved
 */
export async function gapAfterMove(lab: BenchLab, from: number): Promise<number> {
  const to = Date.now();
  await lab.on("h2", `${lab.engine.command} kill --signal USR1 ${container}`);
  const log = await said(lab, "h2", /^checked \d+$/m, 120_000);
  if (!/^checked 0$/m.test(log) || log.includes("CORRUPT")) {
    throw new Error(`The memory of the container is not what it was: ${log.match(/^(CORRUPT|checked).*$/m)?.[0]}`);
  }
  const gap = longestGap(log, from, to);
  if (gap === undefined) throw new Error("The container saw no pause: it cannot have moved.");
  return gap;
}

async function said(lab: BenchLab, host: string, what: RegExp, limitMs: number): Promise<string> {
  for (const deadline = performance.now() + limitMs; performance.now() < deadline; await sleep(200)) {
    const log = await lab.on(host, `${lab.engine.command} logs ${container} 2>&1`);
    if (what.test(log)) return log;
  }
  throw new Error(`The container on ${host} did not say ${what}.`);
}
