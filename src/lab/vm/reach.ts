import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ProcessId } from "../host/pid.ts";
import { hostFolder } from "../paths.ts";
import { type CommandLine, type HostSocket, hostEnvironment, hostSockets, type Reach, shellLine } from "../reach.ts";

/** The sockets on this machine that `keep-ssh.sh` connects with a virtual machine. */
export const controlSocket = (folder: string): string => join(folder, "ssh");
const localSocket = (folder: string, which: HostSocket) => join(folder, `${which}.sock`);

/** The forwards of ssh that make the host's sockets appear in its folder on this machine. */
export const socketForwards = (folder: string): string[] =>
  Object.entries(hostSockets).map(([which, path]) => `${localSocket(folder, which as HostSocket)} ${path}`);

/** The way into a virtual machine: through the ssh connection that is open into it. */
export function vmReach(lab: string, host: string, machine: ProcessId): Reach {
  const folder = hostFolder(lab, host);
  // Without that connection ssh must fail, and must not look for the address in this machine's own network.
  const ssh = (option: "-n" | "-T" | "-tt", line: string): CommandLine => [
    ...(["ssh", "-F", "none", "-q", "-S", controlSocket(folder), "-o", "ProxyCommand=false"] as const),
    ...[option, "root@machine", line],
  ];
  return {
    pid: machine.pid,
    socket: (which) => localSocket(folder, which),
    // The shell stays: it reports a command that a signal ended as 128 + the signal; ssh alone reports 255.
    command: (argv) => ssh("-T", `${shellLine([...hostEnvironment(), ...argv])}; exit $?`),
    enter(argv, { tty }) {
      const token = randomUUID();
      return {
        argv: ssh(tty ? "-tt" : "-T", shellLine(["sh", "/opt/lab/exec.sh", token, ...hostEnvironment(), ...argv])),
        // ssh forwards no signal to the command. One that cannot be sent either is no loss: a user who sees the command run on
        // sends it again.
        signal(_child, signal) {
          const [command, ...args] = ssh("-n", `kill -${signal.slice(3)} $(cat /run/lab/exec.${token})`);
          spawn(command, args, { stdio: "ignore" }).on("error", () => {});
        },
      };
    },
  };
}
