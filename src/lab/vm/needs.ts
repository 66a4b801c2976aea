import { readFileSync } from "node:fs";
import { GodwitError } from "../../contract/errors.ts";
import { run } from "../run.ts";

/** What the emulator takes beside the machine's own memory: translated code, and its devices. */
const emulatorMiB = 640;
/** A host with Docker, an agent and a container does not fit into less. */
const leastMiB = 1024;

/**
 * @param starting how many virtual machines are to be started
 * @throws GodwitError usage, unsupported-system or no-space where this machine cannot carry them
 */
export async function checkMachines(starting: number, memoryMiB: number): Promise<void> {
  if (memoryMiB < leastMiB) {
    throw new GodwitError("usage", `${memoryMiB} MiB are too little for a virtual machine.`, {
      hint: `Give it ${leastMiB} MiB or more with --memory.`,
    });
  }
  if (process.arch !== "x64") {
    throw new GodwitError("unsupported-system", "Virtual machines of a lab are made for x86_64 only.", {
      hint: "Hosts in namespaces work here: leave --kind out.",
    });
  }
  for (const command of ["qemu-system-x86_64", "ssh", "ssh-keygen", "mke2fs"]) {
    if ((await run("sh", ["-c", 'command -v "$0"', command])).status === 0) continue;
    throw new GodwitError("unsupported-system", `The command ${command} is missing on this machine.`, {
      hint: "Run 'sh scripts/setup.sh --vm' in the checkout once: it installs what virtual machines need.",
    });
  }
  const free = availableMiB(readFileSync("/proc/meminfo", "utf8"));
  const wanted = starting * (memoryMiB + emulatorMiB);
  if (free >= wanted) return;
  throw new GodwitError(
    "no-space",
    `${starting} virtual machines take ${wanted} MiB of memory; ${free} MiB are free.`,
    {
      hint: "Give each one less with --memory, or make fewer with --hosts.",
    },
  );
}

/** What programs can still have without swapping. */
export const availableMiB = (meminfo: string): number =>
  Math.floor(Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024);
