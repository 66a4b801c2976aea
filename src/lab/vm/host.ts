import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import type { Authority } from "../../transport/certificates.ts";
import { daemon, until } from "../daemon.ts";
import { controlAddress, hardwareAddress } from "../lan.ts";
import { hostFolder, rootsDir, script } from "../paths.ts";
import { type ProcessId, readLiving } from "../pid.ts";
import type { OnProgress } from "../roots.ts";
import { run } from "../run.ts";
import { hostCgroup, type LabState, livingHost } from "../state.ts";
import { ensureDisk } from "./disk.ts";
import { vmReach } from "./reach.ts";

type Host = LabState["hosts"][number];

/** A machine under software emulation needs about 20 s to boot; two at once on a busy machine, some times that. */
const bootPatienceMs = 600_000;

/** Starts a host as a virtual machine. It is not to be reached yet when this returns. */
export async function startMachine(
  state: LabState,
  host: Host,
  lan: ProcessId,
  authority: Authority,
  onProgress: OnProgress,
): Promise<void> {
  const folder = hostFolder(state.name, host.name);
  mkdirSync(folder, { recursive: true });
  await ensureDisk(state, host, authority);
  onProgress(`${host.name}: boots as a virtual machine of ${state.memoryMiB} MiB`);
  const addresses = [host.address, controlAddress(host.address)].map(hardwareAddress);
  const machine = [folder, host.name, join(rootsDir(), host.root), String(state.memoryMiB), ...addresses];
  const args = [script("vm/start.sh"), hostCgroup(state.name, host.name), String(lan.pid), ...machine];
  await daemon("sh", args, join(folder, "host.log"), () => livingHost(state.name, host.name));
}

/** Opens the connection into it, and waits for the machine to have booted as far as that. */
export async function connectMachine(
  state: LabState,
  host: Host,
  lan: ProcessId,
  onProgress: OnProgress,
): Promise<void> {
  const folder = hostFolder(state.name, host.name);
  const pidFile = join(folder, "ssh.pid");
  if (!readLiving(pidFile)) {
    const args = [script("vm/keep-ssh.sh"), hostCgroup(state.name, host.name), String(lan.pid), folder];
    await daemon("sh", args, join(folder, "ssh.log"), () => readLiving(pidFile));
  }
  const began = performance.now();
  const answer = await until(
    async () => {
      const machine = livingHost(state.name, host.name);
      if (!machine) return "ended";
      const [command, ...args] = vmReach(state.name, host.name, machine).enter(["true"]).argv;
      return (await run(command, args)).status === 0 ? "booted" : undefined;
    },
    bootPatienceMs,
    100,
  );
  const seconds = Math.round((performance.now() - began) / 1000);
  if (answer === "booted") {
    if (seconds > 1) onProgress(`${host.name}: has booted after ${seconds} s`);
    return;
  }
  const what = answer === "ended" ? "ended while it booted" : `has not booted after ${seconds} s`;
  throw new GodwitError("lab-failed", `The virtual machine ${host.name} ${what}.`, {
    hint: `Its console: ${join(folder, "console.log")}`,
    details: ["console.log", "host.log"].flatMap((name) => lastLines(join(folder, name))),
  });
}

const lastLines = (file: string) =>
  existsSync(file) ? readFileSync(file, "utf8").replaceAll("\r", "").trim().split("\n").slice(-12) : [];
