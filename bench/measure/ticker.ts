import { setTimeout as sleep } from "node:timers/promises";
import type { Case } from "../cases.ts";
import type { BenchLab } from "./bench-lab.ts";
import { prepareServer, serverArguments } from "./postgres.ts";

/** Name of the container that is moved. */
export const container = "bench";

/** The time from `ready` to the move: what only a starting process does must not count, and the writes before the move are counted. */
const settleMs = ({ dirtyMBs }: Case) => (dirtyMBs > 0 ? 3000 : 1000);

export function tickerArguments({ memory, hotMiB, memoryMiB, processes, dirtyMBs }: Case): string {
  const options = [memory ? `-m ${memory}` : "", hotMiB ? `-h ${hotMiB}` : ""];
  const eachMiB = memory === "forked" ? memoryMiB : memoryMiB / processes;
  return [...options, `${eachMiB} ${dirtyMBs} ${processes}`].filter(Boolean).join(" ");
}

/** A script that fills the volume with incompressible files of 64 MiB each. */
const fillVolume = (volumeMiB: number): string =>
  `folder=$(docker volume inspect -f '{{.Mountpoint}}' bulk) && head -c 64M /dev/urandom >"$folder/0" &&
  for i in $(seq ${volumeMiB / 64 - 1}); do cp --reflink=never "$folder/0" "$folder/$i"; done && sync`;

/** Arguments of `docker run` for the container whose floor is measured: without what does not count there. */
export const floorArguments = (measured: Case): string =>
  measured.isPostgres
    ? serverArguments(measured)
    : `bench /bin/ticker ${tickerArguments({ ...measured, dirtyMBs: 0, hotMiB: 0 })}`;

/** Starts the program in a container of h1, and waits until its memory is filled and its files exist. */
export async function startProgram(lab: BenchLab, measured: Case): Promise<void> {
  const { files, isPostgres, volumeMiB } = measured;
  const volume = volumeMiB ? "--volume bulk:/bulk" : "";
  const more = files ? `${files.count} ${files.changing}` : "";
  const program = isPostgres ? serverArguments(measured) : `bench /bin/ticker ${tickerArguments(measured)} ${more}`;
  if (isPostgres) await prepareServer(lab, measured);
  await lab.on("h1", `${lab.engine.run} --name ${container} ${volume} ${program}`);
  if (volumeMiB) await lab.on("h1", fillVolume(volumeMiB));
  await waitForLine(lab, "h1", /^ready$/m, 120_000);
  await sleep(settleMs(measured));
}

/** A pause of the program: its length, and its end in ms since 1970. */
export interface Gap {
  ms: number;
  endedAt: number;
}

/** The longest pause in the program's log that ended between two instants (ms since 1970); undefined if there is none. */
export function longestGap(log: string, from: number, to: number): Gap | undefined {
  return [...log.matchAll(/^gap ([\d.]+) ([\d.]+)$/gm)]
    .map(([, ms, end]) => ({ ms: Number(ms), endedAt: Number(end) * 1000 }))
    .filter(({ endedAt }) => endedAt >= from && endedAt <= to)
    .reduce<Gap | undefined>((longest, gap) => (longest && longest.ms >= gap.ms ? longest : gap), undefined);
}

/**
 * Lets the program, which now runs on h2, check all of its memory. @returns the longest pause that it saw since `from`, and its log
 * @throws Error if a page is wrong, or if there was no pause: then the container has not moved
 */
export async function gapAfterMove(lab: BenchLab, from: number): Promise<{ gap: Gap; log: string }> {
  const to = Date.now();
  await lab.on("h2", `${lab.engine.command} kill --signal USR1 ${container}`);
  const log = await waitForLine(lab, "h2", /^checked \d+$/m, 120_000);
  if (!/^checked 0$/m.test(log) || log.includes("CORRUPT")) {
    throw new Error(`The memory of the container has changed in the move: ${log.match(/^(CORRUPT|checked).*$/m)?.[0]}`);
  }
  const gap = longestGap(log, from, to);
  if (gap === undefined) throw new Error("The container saw no pause: it cannot have moved.");
  return { gap, log };
}

async function waitForLine(lab: BenchLab, host: string, line: RegExp, limitMs: number): Promise<string> {
  for (const deadline = performance.now() + limitMs; performance.now() < deadline; await sleep(200)) {
    const log = await lab.on(host, `${lab.engine.command} logs ${container} 2>&1`);
    if (line.test(log)) return log;
  }
  throw new Error(`The container on ${host} did not print ${line}.`);
}
