import { existsSync, readdirSync } from "node:fs";
import { labDown } from "../src/lab/lab.ts";
import { labsDir } from "../src/lab/paths.ts";

/**
 * Takes down the labs PREFIX-PID and PREFIX-PID-ANYTHING whose process PID has ended: what a killed run left behind. Labs of
 * other names, and of runs that are under way, are left alone.
 */
export async function takeDownDeadLabs(prefix: string, onFound: (lab: string) => void): Promise<void> {
  const pattern = new RegExp(`^${prefix}-(\\d+)(-|$)`);
  for (const lab of existsSync(labsDir()) ? readdirSync(labsDir()).sort() : []) {
    const pid = pattern.exec(lab)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    onFound(lab);
    await labDown(lab);
  }
}
