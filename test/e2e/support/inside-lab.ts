import { join } from "node:path";
import { mustReach } from "../../../src/lab/find-host.ts";
import { readLiving } from "../../../src/lab/host/pid.ts";
import { labFolder } from "../../../src/lab/paths.ts";

// The only place where these tests reach into src/lab. They look into hosts hundreds of times, and each start of the command `godwit`
// would cost more than the look. What a test proves goes through that command.
export { labRun as runInHost } from "../../../src/lab/host/exec.ts";
export { hostFolder, labsDir } from "../../../src/lab/paths.ts";

/** The path of a host's Docker socket on this machine. Fails if the host is not up. */
export const dockerSocket = (lab: string, host: string): string => mustReach(lab, host).socket("docker");

/** The process that holds the network namespace of the lab's LAN. */
export function lanProcess(lab: string): number {
  const lan = readLiving(join(labFolder(lab), "lan.pid"));
  if (lan) return lan.pid;
  throw new Error(`The lab ${lab} has no LAN.`);
}
