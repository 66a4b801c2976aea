import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostFolder } from "./inside-lab.ts";
import type { TestLab } from "./lab.ts";
import { expectConsecutive } from "./looper.ts";
import { eventually } from "./wait.ts";

const folderInHost = "/var/lib/godwit/witness";
const hosts = ["h1", "h2"];

/**
 * Starts a counting container that writes each number into a file that both hosts share: one inode, linked into the disks of
 * both. If two copies run at any time, a number is there twice. If a number is lost, there is a gap.
 */
export async function startWitnessed(lab: TestLab, host: string, name: string, flags = ""): Promise<void> {
  const [first, ...others] = hosts.map((each) => join(hostFolder(lab.name, each), "godwit/witness"));
  if (!first) throw new Error("a witness needs a host");
  for (const folder of [first, ...others]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }
  writeFileSync(join(first, "log"), "");
  for (const folder of others) linkSync(join(first, "log"), join(folder, "log"));
  const loop = "i=0; while true; do echo $i >> /witness/log; echo $i; i=$((i+1)); sleep 0.05; done";
  await lab.on(
    host,
    `docker run --pull never -d --name ${name} -v ${folderInHost}:/witness ${flags} busybox sh -c '${loop}'`,
  );
  await witnessGoesOn(lab);
}

/** All numbers in the shared file. */
export function witnessed(lab: TestLab): number[] {
  const text = readFileSync(join(hostFolder(lab.name, "h1"), "godwit/witness/log"), "utf8");
  return text.split("\n").slice(0, -1).map(Number);
}

/** Waits until the container has counted `by` numbers further. Fails if a number is missing or repeated. @returns all numbers */
export async function witnessGoesOn(lab: TestLab, by = 10): Promise<number[]> {
  const from = witnessed(lab).length;
  const numbers = await eventually("the witnessed container counts on", async () => {
    const now = witnessed(lab);
    return now.length >= from + by ? now : undefined;
  });
  expectConsecutive(numbers);
  return numbers;
}
