import { readdir, readFile, readlink } from "node:fs/promises";

/** Where a program opens the terminal of its session, whichever it is. */
export const ownTerminal = "/dev/tty";

/**
 * Why CRIU cannot dump a process that has /dev/tty open; undefined where it can. It dumps such a file only for the first process of a
 * session, whose job is in the foreground ("ctty inheritance detected"). The others have the file of the first one, or their own.
 * @param pid of the process, as this host sees it
 */
export async function lostTerminal(pid: number): Promise<string | undefined> {
  const { session, foreground } = sessionOf(await readFile(`/proc/${pid}/stat`, "utf8"));
  if (foreground !== session) return `${ownTerminal} while another job is in the foreground`;
  return pid === session || (await hasOpen(session))
    ? undefined
    : `${ownTerminal} (only the first process of a session may)`;
}

/** @param stat the text of /proc/PID/stat */
export function sessionOf(stat: string): { session: number; foreground: number } {
  const [, , , session, , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { session: Number(session), foreground: Number(foreground) };
}

async function hasOpen(pid: number): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const targets = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => "")));
  return targets.includes(ownTerminal);
}
