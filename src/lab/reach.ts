import { agentSocket } from "../host/paths.ts";

/** How this machine gets into a host that is up. */
export interface Reach {
  /** Of the process that the host lives by, as this machine numbers it. */
  pid: number;
  /** The path of one of the host's sockets on this machine. That it has a path does not mean that anything answers. */
  socket(which: HostSocket): string;
  /** The command line on this machine that runs a command in the host. */
  command(argv: string[]): CommandLine;
  /** The same for a command that a user watches: with a terminal of its own if wanted, and signals. */
  enter(argv: string[], options: { tty: boolean }): Entrance;
}

export type CommandLine = [command: string, ...args: string[]];

export interface Entrance {
  argv: CommandLine;
  /** Hands a signal on to the command, once `argv` runs as the process `child`. */
  signal(child: number, signal: NodeJS.Signals): void;
}

/** Where a host has the sockets that the lab uses. */
export const hostSockets = { agent: agentSocket, docker: "/run/docker.sock" } as const;
export type HostSocket = keyof typeof hostSockets;

/** What a command in a host finds in its environment; stands before the command itself. */
export const hostEnvironment = (): string[] => [
  ...["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  ...["HOME=/root", "SHELL=/bin/sh", "LANG=C.UTF-8", `TERM=${process.env.TERM ?? "dumb"}`],
];

/** A command as one line that a shell reads back as the same words. */
export const shellLine = (argv: string[]): string => argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
