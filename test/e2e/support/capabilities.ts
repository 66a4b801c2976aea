import { readFileSync } from "node:fs";

const sysResource = 24n;

/** CRIU reads the limits of another user's process only with CAP_SYS_RESOURCE, which a machine may not have even for root. */
export function maySeeOtherUsers(): boolean {
  const effective = /CapEff:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> sysResource) & 1n) === 1n;
}
