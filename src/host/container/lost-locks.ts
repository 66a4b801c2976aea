import { readdir, readFile, readlink } from "node:fs/promises";

/**
 * Files that a process has mapped and holds a record lock on (fcntl): CRIU (4.2) takes the lock again, and then closes a
 * descriptor of the file, by which the kernel drops it. Paths as the process sees them, none twice.
 */
export async function lostLocks(pids: number[]): Promise<string[]> {
  const found = await Promise.all(pids.map((pid) => ofProcess(pid).catch(() => [])));
  return [...new Set(found.flat())].sort();
}

async function ofProcess(pid: number): Promise<string[]> {
  const fds = await readdir(`/proc/${pid}/fdinfo`);
  const locked = await Promise.all(
    fds.map(async (fd) => {
      const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, "utf8").catch(() => "");
      return /^lock:.* POSIX /m.test(info) ? readlink(`/proc/${pid}/fd/${fd}`).catch(() => undefined) : undefined;
    }),
  );
  if (locked.every((path) => path === undefined)) return [];
  const maps = await readFile(`/proc/${pid}/maps`, "utf8");
  return locked.filter((path) => path !== undefined && maps.includes(` ${path}\n`)) as string[];
}
