import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { hasSysResource } from "../proc/capabilities.ts";

/** `nobody` and `nogroup`. */
const nobody = { uid: 65534, gid: 65534 };
const patienceMs = 10_000;

/**
 * Whether CRIU can dump processes of users other than root. CRIU must read their limits, and the kernel allows that with
 * CAP_SYS_RESOURCE. Without that capability, this dumps a sleeping process to find out, which takes about 50 ms.
 */
export async function dumpsOtherUsers(): Promise<boolean> {
  return (await hasSysResource()) || (await dumpsOne());
}

async function dumpsOne(): Promise<boolean> {
  const images = await mkdtemp(join(tmpdir(), "godwit-criu-"));
  // Detached, so that it leads its own session: CRIU dumps a process only together with its session leader.
  const sleeper = spawn("sleep", ["60"], { ...nobody, cwd: "/", stdio: "ignore", detached: true });
  try {
    await once(sleeper, "spawn");
    const options = ["--leave-running", "--manage-cgroups=ignore", "--log-file", "log"];
    const args = ["dump", "--tree", String(sleeper.pid), "--images-dir", images, ...options];
    const { exitCode } = await execa("criu", args, { reject: false, stdin: "ignore", timeout: patienceMs });
    return exitCode === 0;
  } catch {
    // If no process of another user can be started, none can be dumped.
    return false;
  } finally {
    sleeper.kill("SIGKILL");
    await rm(images, { recursive: true, force: true });
  }
}
