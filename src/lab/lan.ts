import { join } from "node:path";
import { labCgroup } from "./cgroup.ts";
import { daemon } from "./daemon.ts";
import { labFolder, script } from "./paths.ts";
import { type ProcessId, readLiving } from "./pid.ts";
import { must, run } from "./run.ts";

const prefix = "10.88.0";
const gateway = `${prefix}.254`;

/** The address of host h1, h2, ... on its lab's LAN. Labs do not see each other, so all use the same addresses. */
export const hostAddress = (number: number): string => `${prefix}.${number}`;

/** The keeper of the lab's LAN, started if it does not live. Nothing of the LAN is in the machine's own network. */
export async function ensureLan(lab: string): Promise<ProcessId> {
  const pidFile = join(labFolder(lab), "lan.pid");
  const living = readLiving(pidFile);
  if (living) return living;
  const args = [script("lan.sh"), labCgroup(lab), pidFile, `${gateway}/24`];
  return daemon("sh", args, join(labFolder(lab), "lan.log"), () => readLiving(pidFile));
}

/** Joins a host to the LAN by a veth pair. Does nothing if it is joined. */
export async function ensureLink(lan: ProcessId, host: { name: string; address: string }, init: ProcessId) {
  const inLan = ["--target", String(lan.pid), "--net", "ip"];
  const inside = ["--target", String(init.pid), "--net", "ip"];
  const joined = await run("nsenter", [...inLan, "link", "show", "dev", host.name]);
  if (joined.status === 0) return;
  // An end whose other end went away with an earlier LAN is gone too, so that eth0 is free.
  const pair = ["type", "veth", "peer", "name", "eth0", "netns", String(init.pid)];
  await must("nsenter", [...inLan, "link", "add", host.name, "up", "master", "lan0", ...pair]);
  const lines = [
    `addr add ${host.address}/24 dev eth0`,
    "link set eth0 up",
    `route replace default via ${gateway} dev eth0`,
  ];
  await must("nsenter", [...inside, "-batch", "-"], { input: lines.join("\n") });
}
