import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { checkoutDir } from "../paths.ts";
import { run } from "../run.ts";

/** Memory that the emulator needs beside the virtual machine's own: for translated code and devices. */
const emulatorMiB = 640;
/** The least memory for a host with Docker, an agent and a container. */
const minMiB = 1024;
const commands = ["qemu-system-x86_64", "ssh", "ssh-keygen", "mke2fs"];

export interface MachineFacts {
  arch: string;
  /** Commands that virtual machines need and this machine lacks. */
  missing: string[];
  /** Whether the checkout has a bundle that the hosts can run. */
  built: boolean;
  /** Memory that programs can still get without swapping. */
  availableMiB: number;
}

/**
 * @param starting the number of virtual machines to start
 * @throws GodwitError usage, unsupported-system or no-space where this machine cannot run them
 */
export function checkMachines(starting: number, memoryMiB: number, facts: MachineFacts): void {
  if (memoryMiB < minMiB) {
    throw new GodwitError("usage", `${memoryMiB} MiB are too little for a virtual machine.`, {
      hint: `Give it ${minMiB} MiB or more with --memory.`,
    });
  }
  if (facts.arch !== "x64") {
    throw new GodwitError("unsupported-system", "Virtual machines of a lab are made for x86_64 only.", {
      hint: "Hosts in namespaces work here: leave --kind out.",
    });
  }
  if (facts.missing.length > 0) {
    const [are, them] = facts.missing.length === 1 ? ["is", "it"] : ["are", "them"];
    throw new GodwitError("unsupported-system", `${facts.missing.join(", ")} ${are} missing on this machine.`, {
      hint: `Run 'sh scripts/setup.sh --vm' in the checkout once: it installs ${them}.`,
    });
  }
  if (!facts.built) {
    throw new GodwitError("unsupported-system", "This checkout has not been built, and hosts run its bundle.", {
      hint: "Run 'npm run build' in it.",
    });
  }
  const wanted = starting * (memoryMiB + emulatorMiB);
  if (facts.availableMiB >= wanted) return;
  throw new GodwitError(
    "no-space",
    `${starting} virtual machines of ${memoryMiB} MiB take ${wanted} MiB of memory; ${facts.availableMiB} MiB are free.`,
    { hint: "Give each one less with --memory, or make fewer with --hosts." },
  );
}

export async function machineFacts(): Promise<MachineFacts> {
  const found = await Promise.all(commands.map((name) => run("sh", ["-c", 'command -v "$0"', name])));
  return {
    arch: process.arch,
    missing: commands.filter((_, i) => found[i]?.status !== 0),
    built: existsSync(join(checkoutDir(), "dist/godwit.mjs")),
    availableMiB: availableMiB(readFileSync("/proc/meminfo", "utf8")),
  };
}

export const availableMiB = (meminfo: string): number =>
  Math.floor(Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024);
