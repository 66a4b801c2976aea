import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Authority } from "../../transport/certificates.ts";
import { ensureLink } from "../lan/lan.ts";
import { checkoutDir, hostFolder, rootsDir, script } from "../paths.ts";
import { type CommandLine, hostEnvironment, hostSockets, type Reach, shellLine } from "../reach.ts";
import { hostCgroup, inHost, type LabState, livingHost } from "../state.ts";
import { daemon } from "./daemon.ts";
import { writeUpper } from "./disk.ts";
import type { ProcessId } from "./pid.ts";

type Host = LabState["hosts"][number];

/** Starts a host as namespaces of this machine's kernel; its disk is a folder of this machine. */
export async function startNamespaces(state: LabState, host: Host, authority: Authority): Promise<void> {
  const folder = hostFolder(state.name, host.name);
  for (const part of ["upper", "work", "root"]) mkdirSync(join(folder, part), { recursive: true });
  await writeUpper(state, host, authority, join(folder, "upper"));
  const cgroup = hostCgroup(state.name, host.name);
  const args = [cgroup, folder, join(rootsDir(), host.root), checkoutDir(), host.name];
  await daemon(cgroup, [script("enter-host.sh"), ...args], join(folder, "host.log"), () =>
    livingHost(state.name, host.name),
  );
}

/** Connects the host to the LAN, or repairs the connection. */
export const linkNamespaces = (state: LabState, host: Host, lan: ProcessId): Promise<void> => {
  const init = livingHost(state.name, host.name);
  return init ? ensureLink(lan, host, init) : Promise.resolve();
};

/** The way into a host in namespaces: nsenter, from the host's cgroup. */
export function namespaceReach(lab: string, host: string, init: ProcessId): Reach {
  const command = (argv: string[]): CommandLine => {
    // The command enters the host's cgroup first: so it sees a cgroup path inside its namespace, and `lab down` ends it.
    const procs = join(hostCgroup(lab, host), "init/cgroup.procs");
    const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
    const nsenter = ["nsenter", "--target", String(init.pid), ...namespaces, ...hostEnvironment(), ...argv];
    return ["sh", "-c", 'echo 0 >"$0" && exec "$@"', procs, ...nsenter];
  };
  return {
    pid: init.pid,
    socket: (which) => inHost(init, hostSockets[which]),
    command,
    enter: (argv, { tty }) => ({
      argv: command(tty ? ["script", "-qefc", shellLine(argv), "/dev/null"] : argv),
      // nsenter waits for a child in the host's pid namespace and forwards no signal to it.
      signal(child, signal) {
        for (const pid of childrenOf(child)) process.kill(pid, signal);
      },
    }),
  };
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    // The process has ended: it has no children to signal.
    return [];
  }
}
