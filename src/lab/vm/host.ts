import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Authority } from "../../transport/certificates.ts";
import { daemon } from "../host/daemon.ts";
import { type ProcessId, readLiving } from "../host/pid.ts";
import { controlAddress, hardwareAddress } from "../lan/lan.ts";
import { hostFolder, rootsDir, script } from "../paths.ts";
import type { OnProgress } from "../roots/roots.ts";
import { hostCgroup, type LabState, livingHost } from "../state.ts";
import { deliverCheckout } from "./checkout.ts";
import { setClock } from "./clock.ts";
import { connectMachine } from "./connection.ts";
import { ensureDisk } from "./disk.ts";
import { vmReach } from "./reach.ts";
import { makeTaps } from "./taps.ts";

type Host = LabState["hosts"][number];

/** Starts a host as a virtual machine. It still boots when this returns; `joinMachine` waits for it. */
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
  await makeTaps(lan, host.name);
  onProgress(`${host.name}: boots as a virtual machine of ${state.memoryMiB} MiB`);
  const addresses = [host.address, controlAddress(host.address)].map(hardwareAddress);
  const machine = [folder, host.name, join(rootsDir(), host.root), String(state.memoryMiB), ...addresses];
  const args = [script("vm/start.sh"), String(lan.pid), ...machine];
  await daemon(join(hostCgroup(state.name, host.name), "init"), args, join(folder, "host.log"), () =>
    readLiving(join(folder, "pid")),
  );
}

/** Waits until a virtual machine has booted, sets its clock, and copies the checkout's current bundle into it. */
export async function joinMachine(state: LabState, host: Host, lan: ProcessId, onProgress: OnProgress): Promise<void> {
  await connectMachine(state, host.name, lan, onProgress);
  const machine = livingHost(state.name, host.name);
  if (!machine) return;
  const reach = vmReach(state.name, host.name, machine);
  await setClock(host.name, reach);
  if (await deliverCheckout(hostFolder(state.name, host.name), reach)) {
    onProgress(`${host.name}: received this checkout's new bundle; its agent starts again`);
  }
}
