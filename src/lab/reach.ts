import { agentSocket } from "../host/paths.ts";

/** The way from this machine into a host that is up. */
export interface Reach {
  /** Process id, on this machine, of the host's init or virtual machine. */
  pid: number;
  /** The path, on this machine, of one of the host's sockets. Whether anything answers there is another matter. */
  socket(which: HostSocket): string;
  /** The command line on this machine that runs a command in the host. */
  command(argv: string[]): CommandLine;
  /** The same for a command that a user watches: with signals, and a terminal inside the host if wanted. */
  enter(argv: string[], options: { tty: boolean }): Entrance;
}

export type CommandLine = [command: string, ...args: string[]];

export interface Entrance {
  argv: CommandLine;
  /** Forwards a signal to the command, once `argv` runs as the process `child`. */
  signal(child: number, signal: NodeJS.Signals): void;
}

/** The paths, inside a host, of the sockets that the lab uses. */
export const hostSockets = { agent: agentSocket, docker: "/run/docker.sock" } as const;
export type HostSocket = keyof typeof hostSockets;

/** The words before a command in a host that set its environment. */
export const hostEnvironment = (): string[] => [
  ...["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  ...["HOME=/root", "SHELL=/bin/sh", "LANG=C.UTF-8", `TERM=${process.env.TERM ?? "dumb"}`],
];

/** A command as one line that a shell reads back as the same words. */
export const shellLine = (argv: string[]): string => argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
