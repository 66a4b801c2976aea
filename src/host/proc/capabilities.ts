import { readFile } from "node:fs/promises";

const capSysResource = 24n;

/** Whether this process, and with it the CRIU that it starts, has CAP_SYS_RESOURCE. */
export async function hasSysResource(): Promise<boolean> {
  const effective = (await readFile("/proc/self/status", "utf8")).match(/^CapEff:\s*([0-9a-f]+)/m)?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> capSysResource) & 1n) === 1n;
}
