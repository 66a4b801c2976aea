import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ProcessId } from "../host/pid.ts";
import { hostFolder } from "../paths.ts";
import { type CommandLine, type HostSocket, hostEnvironment, hostSockets, type Reach, shellLine } from "../reach.ts";

/** The control socket of the ssh connection that `keep-ssh.sh` keeps open. `folder` is the host's folder. */
export const controlSocket = (folder: string): string => join(folder, "ssh");
const localSocket = (folder: string, which: HostSocket) => join(folder, `${which}.sock`);

/** The values of ssh's LocalForward that make the host's sockets appear in its folder on this machine. */
export const socketForwards = (folder: string): string[] =>
  Object.entries(hostSockets).map(([which, path]) => `${localSocket(folder, which as HostSocket)} ${path}`);

/** The way into a virtual machine: through the ssh connection that is open into it. */
export function vmReach(lab: string, host: string, machine: ProcessId): Reach {
  const folder = hostFolder(lab, host);
  // Without that connection ssh must fail. It must not connect over this machine's own network.
  const ssh = (option: "-n" | "-T" | "-tt", line: string): CommandLine => [
    ...(["ssh", "-F", "none", "-q", "-S", controlSocket(folder), "-o", "ProxyCommand=false"] as const),
    ...[option, "root@machine", line],
  ];
  return {
    pid: machine.pid,
    socket: (which) => localSocket(folder, which),
    // `exit $?` keeps the shell: it reports a command that a signal ended as 128 + the signal; ssh alone reports 255.
    command: (argv) => ssh("-T", `${shellLine([...hostEnvironment(), ...argv])}; exit $?`),
    enter(argv, { tty }) {
      const token = randomUUID();
      return {
        argv: ssh(tty ? "-tt" : "-T", shellLine(["sh", "/opt/lab/exec.sh", token, ...hostEnvironment(), ...argv])),
        // ssh forwards no signal, so `kill` sends it inside the machine. An error is ignored: a user who sees that the command
        // still runs sends the signal again.
        signal(_child, signal) {
          const [command, ...args] = ssh("-n", `kill -${signal.slice(3)} $(cat /run/lab/exec.${token})`);
          spawn(command, args, { stdio: "ignore" }).on("error", () => {});
        },
      };
    },
  };
}
