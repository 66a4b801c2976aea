import { readdir, readFile, readlink } from "node:fs/promises";
import { ifGone } from "../proc/gone.ts";
import type { ContainerProcess } from "../proc/processes.ts";
import type { InFlight } from "./look.ts";

/*
 * A process that closes any descriptor of a file loses all its record locks of that file. SQLite therefore keeps files open that it knows
 * by their device and inode number. Both are others after a restore: a process that opens the database again does not know its older
 * connection any more, and ends that one's locks when it closes the new one. Then two transactions can write at the same time.
 */

/** The bytes that SQLite locks in a database, and in the shared memory beside it (its documents "locking" and "walformat"). */
const ofDatabase = [0x40000000, 0x400001ff] as const;
const ofIndex = [120, 128] as const;

export interface SqliteLock {
  /** As this host sees it. */
  hostPid: number;
  /** As /proc/locks names it: device and inode number. */
  file: string;
  isWrite: boolean;
  isOfDatabase: boolean;
}

/** The locks of SQLite that some processes have. @param text of /proc/locks */
export function sqliteLocks(text: string, hostPids: ReadonlySet<number>): SqliteLock[] {
  return text.split("\n").flatMap((line) => {
    const [, kind, , access, pid, file = "", from, to] = line.split(/\s+/);
    const within = ([first, last]: readonly [number, number]) => Number(from) >= first && Number(to) <= last;
    const isOfDatabase = within(ofDatabase);
    if (kind !== "POSIX" || !hostPids.has(Number(pid)) || !(isOfDatabase || within(ofIndex))) return [];
    return [{ hostPid: Number(pid), file, isWrite: access === "WRITE", isOfDatabase }];
  });
}

/** Transactions of SQLite, and second connections of a process to a database. The processes may be running or frozen. */
export async function sqliteInFlight(processes: readonly ContainerProcess[]): Promise<InFlight[]> {
  const byPid = new Map(processes.map((process) => [process.hostPid, process]));
  const locks = sqliteLocks(await readFile("/proc/locks", "utf8"), new Set(byPid.keys()));
  const found = new Map<string, InFlight>();
  for (const { hostPid, file, isWrite, isOfDatabase } of locks) {
    const key = `${hostPid} ${file}`;
    if (found.has(key) || !(isWrite || isOfDatabase)) continue;
    const names = await openedAs(hostPid, file);
    if (!isWrite && names.length < 2) continue;
    const { pid, command } = byPid.get(hostPid) as ContainerProcess;
    const does = isWrite ? "is in a transaction of" : `has ${names.length} connections to`;
    const name = names[0]?.replace(/-shm$/, "") ?? "";
    found.set(key, { kind: "sqlite", text: `process ${pid} (${command}) ${does} the SQLite database ${name}` });
  }
  return [...new Map([...found.values()].map((one) => [one.text, one])).values()];
}

/** The names of the open files of a process that has a lock of this file, one for each descriptor. */
async function openedAs(hostPid: number, file: string): Promise<string[]> {
  const names: string[] = [];
  for (const descriptor of await readdir(`/proc/${hostPid}/fdinfo`).catch(ifGone([]))) {
    const info = await readFile(`/proc/${hostPid}/fdinfo/${descriptor}`, "utf8").catch(ifGone(""));
    if (info.includes(` ${file} `)) names.push(await readlink(`/proc/${hostPid}/fd/${descriptor}`).catch(ifGone("")));
  }
  return names;
}
