import { agentSocket } from "../host/paths.ts";

/** The way from this machine into a host that is up. */
export interface Reach {
  /** Process id, on this machine, of the host's init or virtual machine. */
  pid: number;
  /** The path, on this machine, of one of the host's sockets. The socket may be missing or have no listener. */
  socket(which: HostSocket): string;
  /** The command line on this machine that runs a command in the host. */
  command(argv: string[]): CommandLine;
  /** As `command`, for a command that a user watches: it can get signals, and with `tty` a terminal inside the host. */
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

/** The beginning of every command line in a host: it sets the environment. */
export const hostEnvironment = (): string[] => [
  ...["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  ...["HOME=/root", "SHELL=/bin/sh", "LANG=C.UTF-8", `TERM=${process.env.TERM ?? "dumb"}`],
];

/** Quotes a command: one line that a shell splits into `argv` again. */
export const shellLine = (argv: string[]): string => argv.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ");
