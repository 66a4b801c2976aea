import { readdir, readFile } from "node:fs/promises";

/** One mount, as a line of /proc/PID/mountinfo tells it. */
export interface Mount {
  /** `MAJOR:MINOR`. */
  device: string;
  /** The folder that is mounted, as a path within its own file system. */
  root: string;
  /** Where it is mounted, as the process sees it. */
  mountpoint: string;
  /** Type of the file system, such as `overlay`. */
  type: string;
  /** Options of the file system, such as the layers of an overlay. */
  superOptions: string;
}

/**
 * The mounts that a process sees; a mount comes after the one that it lies on.
 * @throws the system's error, also where the process has ended
 */
export async function mountsOf(pid: number | "self"): Promise<Mount[]> {
  return parseMounts(await readFile(`/proc/${pid}/mountinfo`, "utf8"));
}

/** What any process of this host sees mounted, in whatever mount namespace. A mount comes once for each different view. */
export async function mountsOfAll(): Promise<Mount[]> {
  const tables = new Set<string>();
  // One after the other: a host may have more processes than the agent may have open files.
  for (const pid of await readdir("/proc"))
    if (/^\d+$/.test(pid)) tables.add(await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(noneOfEnded));
  return [...tables].flatMap(parseMounts);
}

/** The mounts in the text of a mountinfo file. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split("\n").filter(Boolean).map(parseMount);
}

function parseMount(line: string): Mount {
  const fields = line.split(" ").map(unescaped);
  const [, , device = "", root = "", mountpoint = ""] = fields;
  // Before the separator are as many optional fields as the mount has.
  const [type = "", , superOptions = ""] = fields.slice(fields.indexOf("-", 6) + 1);
  return { device, root, mountpoint, type, superOptions };
}

/** The kernel writes space, tab, newline and backslash as octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** What the kernel answers for a process that is gone, or that has ended and still has its number. */
const ended = new Set(["ENOENT", "ESRCH", "EINVAL"]);

function noneOfEnded(error: NodeJS.ErrnoException): string {
  if (ended.has(error.code ?? "")) return "";
  throw error;
}
