import { readFileSync } from "node:fs";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  pid: number;
  /** Clock ticks after boot, field 22 of /proc/PID/stat. */
  startTime: string;
}

/** Reads the file that a process of the lab wrote about itself, "PID STARTTIME"; undefined unless that process lives. */
export function readLiving(pidFile: string): ProcessId | undefined {
  const [pid, startTime] = readIfAny(pidFile).trim().split(" ");
  if (!pid || !startTime || startTimeOf(Number(pid)) !== startTime) return undefined;
  return { pid: Number(pid), startTime };
}

function startTimeOf(pid: number): string | undefined {
  const stat = readIfAny(`/proc/${pid}/stat`);
  // The command's name stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}

function readIfAny(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    // A process that cannot be looked at is not one that is gone.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
