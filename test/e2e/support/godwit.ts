import { join } from "node:path";
import { execa } from "execa";

export const checkout = join(import.meta.dirname, "../../..");
/** The command of this checkout: it runs the bundle that `npm run build` makes. */
export const godwitCommand = join(checkout, "bin/godwit");

/** Takes a lab down with everything in it. Does nothing if there is none. */
export async function takeDown(lab: string): Promise<void> {
  await execa(godwitCommand, ["lab", "down", "--name", lab], { stdin: "ignore" });
}
