import { readlinkSync } from "node:fs";
import { GodwitError } from "../../contract/errors.ts";
import type { ProcessId } from "../host/pid.ts";
import { must, run } from "../run.ts";

/** The two interfaces of a virtual machine, and the bridges that they belong to. */
const tapsOf = (host: string): [tap: string, bridge: string][] => [
  [host, "lan0"],
  [`${host}-control`, "control0"],
];

/** Makes a virtual machine's interfaces in the LAN. They must exist before the machine starts. */
export async function makeTaps(lan: ProcessId, host: string): Promise<void> {
  for (const [tap, bridge] of tapsOf(host)) {
    if (!(await has(lan, tap))) await must("nsenter", [...inside(lan), "tuntap", "add", "dev", tap, "mode", "tap"]);
    await join(lan, tap, bridge);
  }
}

/**
 * Moves the interfaces of a running machine into the LAN, if they are not in it. The network namespace of a LAN that has
 * ended keeps them as long as one of the processes `former` is in it. @throws GodwitError `lab-failed` if they are lost
 */
export async function takeTaps(lan: ProcessId, host: string, former: ProcessId[]): Promise<void> {
  for (const [tap, bridge] of tapsOf(host)) {
    if (!(await has(lan, tap))) {
      const holder = await first(former, (process) => has(process, tap));
      if (!holder) {
        throw new GodwitError("lab-failed", `The virtual machine ${host} has lost its network.`, {
          hint: "Take the lab down and bring it up again.",
        });
      }
      await must("nsenter", [...inside(holder), "link", "set", "dev", tap, "netns", String(lan.pid)]);
    }
    await join(lan, tap, bridge);
  }
}

const inside = ({ pid }: ProcessId) => ["--target", String(pid), "--net", "ip"];

const has = async (process: ProcessId, tap: string) =>
  (await run("nsenter", [...inside(process), "link", "show", "dev", tap])).status === 0;

const join = (lan: ProcessId, tap: string, bridge: string) =>
  must("nsenter", [...inside(lan), "link", "set", "dev", tap, "master", bridge, "up"]);

async function first<T>(all: T[], test: (one: T) => Promise<boolean>): Promise<T | undefined> {
  for (const one of all) if (await test(one)) return one;
  return undefined;
}

/** Whether a process is in the LAN's network. */
export function isInLan(lan: ProcessId, process: ProcessId): boolean {
  const network = ({ pid }: ProcessId) => readlinkSync(`/proc/${pid}/ns/net`);
  return network(lan) === network(process);
}
