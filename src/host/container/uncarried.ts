import { readdir, readFile, readlink, statfs } from "node:fs/promises";

/** The file system that POSIX message queues are files of, by the magic number of statfs(2). */
const mqueueKind = 0x19800202;

/**
 * What processes have open that CRIU cannot save, or would restore as something else without a word; none twice. Not all of it:
 * what is not known here CRIU refuses itself when it dumps.
 */
export async function uncarriedFiles(pids: number[]): Promise<string[]> {
  const found = await Promise.all(pids.map(ofProcess));
  return [...new Set(found.flat())].sort();
}

async function ofProcess(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const found = files.map(async (file) => {
    const target = await readlink(`${folder}/${file}`);
    if (target === "anon_inode:[io_uring]") return "an io_uring";
    if (target === "anon_inode:[eventfd]") return semaphore(`/proc/${pid}/fdinfo/${file}`);
    // Its path is its name from the root of a mount that is not to be seen anywhere.
    if (/^\/[^/]+$/.test(target) && (await statfs(`${folder}/${file}`)).type === mqueueKind)
      return `the POSIX message queue ${target}`;
    return undefined;
  });
  const known = await Promise.all(found.map((one) => one.catch(() => undefined)));
  return known.filter((one) => one !== undefined);
}

/** CRIU restores it as an eventfd that is read all at once. Kernels before 6.5 do not tell. */
async function semaphore(info: string): Promise<string | undefined> {
  return /^eventfd-semaphore:\s*1$/m.test(await readFile(info, "utf8")) ? "an eventfd used as a semaphore" : undefined;
}
