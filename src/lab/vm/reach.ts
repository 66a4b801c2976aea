import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { hostFolder } from "../paths.ts";
import type { ProcessId } from "../pid.ts";
import { type HostSocket, hostEnvironment, hostSockets, type Reach, shellLine } from "../reach.ts";

/** The ends, on this machine, of what `keep-ssh.sh` keeps open into a virtual machine. */
export const controlSocket = (folder: string): string => join(folder, "ssh");
const localSocket = (folder: string, which: HostSocket) => join(folder, `${which}.sock`);

/** The options of ssh that make the host's sockets appear in its folder. */
export const socketForwards = (folder: string): string[] =>
  Object.entries(hostSockets).map(([which, path]) => `${localSocket(folder, which as HostSocket)} ${path}`);

/** Through the one ssh connection that is open into the machine. */
export function vmReach(lab: string, host: string, machine: ProcessId): Reach {
  const folder = hostFolder(lab, host);
  // Without that connection ssh must fail and not look for the address in this machine's own network.
  const ssh = (options: string[], argv: string[]): [string, ...string[]] => [
    ...(["ssh", "-F", "none", "-q", "-S", controlSocket(folder), "-o", "ProxyCommand=false"] as const),
    ...[...options, "root@machine", shellLine(argv)],
  ];
  return {
    pid: machine.pid,
    socket: (which) => localSocket(folder, which),
    enter(argv, { tty = false } = {}) {
      const token = randomUUID();
      return {
        argv: ssh([tty ? "-tt" : "-T"], ["sh", "/opt/lab/exec.sh", token, ...hostEnvironment(), ...argv]),
        signal(_child, signal) {
          const [command, ...args] = ssh(
            ["-n"],
            ["sh", "-c", `kill -${signal.slice(3)} $(cat /run/lab/exec.${token})`],
          );
          spawn(command, args, { stdio: "ignore" }).on("error", () => {});
        },
      };
    },
  };
}
