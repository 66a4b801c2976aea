import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { daemon, until } from "../host/daemon.ts";
import { type ProcessId, readLiving } from "../host/pid.ts";
import { hostFolder, script } from "../paths.ts";
import type { OnProgress } from "../roots/roots.ts";
import { run } from "../run.ts";
import { hostCgroup, type LabState, livingHost } from "../state.ts";
import { vmReach } from "./reach.ts";
import { isInLan, takeTaps } from "./taps.ts";

/** Under software emulation a machine boots in about 20 s; two of them on a busy machine take minutes. */
const bootPatienceMs = 600_000;

/**
 * Connects a virtual machine to the LAN, opens the ssh connection into it, and waits until it runs commands.
 * @throws GodwitError `lab-failed` with the end of its console if it does not boot
 */
export async function connectMachine(state: LabState, host: string, lan: ProcessId, onProgress: OnProgress) {
  const folder = hostFolder(state.name, host);
  const [machine, keeper] = ["pid", "ssh.pid"].map((file) => readLiving(join(folder, file)));
  if (machine) await takeTaps(lan, host, keeper ? [keeper, machine] : [machine]);
  await ensureKeeper(state, host, lan);
  const began = performance.now();
  const answer = await until(() => probe(state, host), bootPatienceMs, 100);
  const seconds = Math.round((performance.now() - began) / 1000);
  if (answer === "booted") {
    if (seconds > 5) onProgress(`${host}: has booted, after ${seconds} s`);
    return;
  }
  const what = answer === "ended" ? "ended while it booted" : `has not booted after ${seconds} s`;
  throw new GodwitError("lab-failed", `The virtual machine ${host} ${what}.`, {
    hint: `Its console is ${join(folder, "console.log")}.`,
    details: ["host.log", "console.log"].flatMap((name) => lastLines(join(folder, name))),
  });
}

async function ensureKeeper(state: LabState, host: string, lan: ProcessId): Promise<void> {
  const folder = hostFolder(state.name, host);
  const pidFile = join(folder, "ssh.pid");
  const living = readLiving(pidFile);
  if (living && isInLan(lan, living)) return;
  // The keeper leads a process group, and its ssh is in this group.
  if (living) process.kill(-living.pid, "SIGKILL");
  const args = [script("vm/keep-ssh.sh"), String(lan.pid), folder];
  await daemon(join(hostCgroup(state.name, host), "init"), args, join(folder, "ssh.log"), () => {
    const keeper = readLiving(pidFile);
    return keeper && keeper.startTime !== living?.startTime ? keeper : undefined;
  });
}

async function probe(state: LabState, host: string): Promise<"booted" | "ended" | undefined> {
  const machine = livingHost(state.name, host);
  if (!machine) return "ended";
  const [command, ...args] = vmReach(state.name, host, machine).command(["true"]);
  return (await run(command, args)).status === 0 ? "booted" : undefined;
}

/** The last lines of a log, without the stack of a kernel panic: the lines before it say why. */
function lastLines(file: string): string[] {
  if (!existsSync(file)) return [];
  const [text = ""] = readFileSync(file, "utf8")
    .replaceAll("\r", "")
    .split(/^.*Call Trace:/m);
  return text.trim().split("\n").slice(-12).filter(Boolean);
}
