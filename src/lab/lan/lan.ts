import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { labCgroup, removeCgroup } from "../host/cgroup.ts";
import { daemon } from "../host/daemon.ts";
import { type ProcessId, readLiving } from "../host/pid.ts";
import { labFolder, script } from "../paths.ts";
import { must, run } from "../run.ts";

const prefix = "10.88.0";
const controlPrefix = "10.89.0";
export const gateway = `${prefix}.254`;

/** The address of host h1, h2, ... on its lab's LAN. LANs are separate, so all labs use the same addresses. */
export const hostAddress = (number: number): string => `${prefix}.${number}`;

/** The address on the control network where the lab reaches a virtual machine. `address` is its address on the LAN. */
export const controlAddress = (address: string): string => `${controlPrefix}.${address.split(".").at(-1)}`;

/**
 * Returns the process that holds the lab's LAN, and starts it if it is not alive. The LAN adds nothing to the machine's own
 * network. @throws GodwitError `lab-failed`
 */
export async function ensureLan(lab: string): Promise<ProcessId> {
  const pidFile = join(labFolder(lab), "lan.pid");
  const living = readLiving(pidFile);
  if (living) return living;
  // A killed `up` may have left a process that still starts.
  const cgroup = join(labCgroup(lab), "lan");
  await removeCgroup(cgroup);
  mkdirSync(cgroup);
  const args = [script("lan/lan.sh"), pidFile, `${gateway}/24`, `${controlAddress(gateway)}/24`];
  return daemon(cgroup, args, join(labFolder(lab), "lan.log"), () => readLiving(pidFile));
}

/** Connects a host to the LAN by a veth pair, or repairs the pair. */
export async function ensureLink(lan: ProcessId, host: { name: string; address: string }, init: ProcessId) {
  const inLan = ["--target", String(lan.pid), "--net", "ip"];
  const inHost = ["--target", String(init.pid), "--net", "ip"];
  const ends = [
    [...inLan, "link", "show", "dev", host.name],
    [...inHost, "link", "show", "dev", "eth0"],
  ];
  const found = await Promise.all(ends.map(async (end) => (await run("nsenter", end)).status === 0));
  if (!found.every((end) => end)) {
    // A single end is left of a host or a LAN that has ended: the kernel removes its network namespace some time later.
    if (found[0]) await run("nsenter", [...inLan, "link", "delete", "dev", host.name]);
    if (found[1]) await run("nsenter", [...inHost, "link", "delete", "dev", "eth0"]);
    // The host has the same hardware address each time it starts: its neighbours remember it.
    const peer = ["name", "eth0", "address", hardwareAddress(host.address), "netns", String(init.pid)];
    const pair = [host.name, "up", "master", "lan0", "type", "veth", "peer", ...peer];
    await must("nsenter", [...inLan, "link", "add", ...pair]);
  }
  const address = [
    `addr replace ${host.address}/24 dev eth0`,
    "link set eth0 up",
    `route replace default via ${gateway} dev eth0`,
  ];
  await must("nsenter", [...inHost, "-batch", "-"], { input: address.join("\n") });
}

/** The hardware address that belongs to an IP address; always the same one. */
export const hardwareAddress = (address: string): string =>
  `02:00:${address
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join(":")}`;
