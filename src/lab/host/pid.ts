import { readFileSync } from "node:fs";

/** Identifies a process: a later one with the same number has another start time. */
export interface ProcessId {
  pid: number;
  /** Clock ticks after boot, field 22 of /proc/PID/stat. */
  startTime: string;
}

/** The process that wrote `pidFile` about itself as "PID STARTTIME"; undefined if it is not alive. */
export function readLiving(pidFile: string): ProcessId | undefined {
  const [pid, startTime] = readIfAny(pidFile).trim().split(" ");
  if (!pid || !startTime || startTimeOf(Number(pid)) !== startTime) return undefined;
  return { pid: Number(pid), startTime };
}

function startTimeOf(pid: number): string | undefined {
  const stat = readIfAny(`/proc/${pid}/stat`);
  // The command's name is in parentheses and may contain anything, also parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}

function readIfAny(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    // Only these two errors prove that the process is gone.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
