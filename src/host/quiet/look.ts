import { processLines } from "../criu/images/process-state.ts";
import { statePath } from "../paths.ts";
import { type HeldCommand, hold, run } from "../proc/process.ts";
import type { ContainerProcess } from "../proc/processes.ts";

/** Something of a process that exists only until the program handles it, and that a dump loses or refuses. */
export interface InFlight {
  kind: "inotify" | "netlink" | "unix" | "inet" | "sqlite";
  /** For a user, such as `process 7 (app) has not read 64 bytes of events from its inotify descriptor 5`. */
  text: string;
}

export interface Look {
  /** How many descriptors can have something in flight. */
  watched: number;
  inFlight: InFlight[];
  /** Sockets of kinds that CRIU cannot dump, such as `a socket of multipath TCP`. */
  foreign: string[];
}

/** Looks at processes, running or frozen. */
export class Looker {
  #held: HeldCommand | undefined;

  /** Starts the program for the next look, because that takes longer than the look. */
  prepare(): void {
    this.#held ??= start();
  }

  /** @throws command-failed */
  async look(processes: ContainerProcess[]): Promise<Look> {
    const held = this.#held ?? start();
    this.#held = undefined;
    return readLook(await held.finish(processLines(processes)), processes);
  }

  /** Ends a program that waits. */
  drop(): void {
    this.#held?.drop();
  }
}

/** Takes away what makes CRIU refuse frozen processes, after it was told that it is lost: messages of netlink. @throws command-failed */
export async function discardInFlight(inFlight: InFlight[], processes: ContainerProcess[]): Promise<void> {
  if (inFlight.some(({ kind }) => kind === "netlink"))
    await run(statePath, ["discard"], { input: processLines(processes) });
}

const start = () => hold(statePath, ["look"]);

/** Of AF_UNIX, as the kernel numbers it. */
const unix = 1;

/** @param output of `godwit-state look`; runtime/state/state.h describes its lines */
export function readLook(output: string, processes: Pick<ContainerProcess, "pid" | "command">[]): Look {
  const look: Look = { watched: 0, inFlight: [], foreign: [] };
  for (const line of output.split("\n")) {
    const [word, ...numbers] = line.split(" ");
    const [pid = 0, descriptor = 0, last = 0, protocol = 0] = numbers.map(Number);
    const command = processes.find((one) => one.pid === pid)?.command ?? "";
    const who = `process ${pid} (${command})`;
    if (word === "watched") look.watched = pid;
    if (word === "events") {
      const text = `${who} has not read ${last} bytes of events from its inotify descriptor ${descriptor}`;
      look.inFlight.push({ kind: "inotify", text });
    }
    if (word === "foreign") look.foreign.push(foreignSocket(last, protocol));
    if (word === "messages")
      look.inFlight.push({
        kind: "netlink",
        text: `${who} has not read all messages of its netlink socket, descriptor ${descriptor}`,
      });
    if (word === "waiting") {
      const kind = last === unix ? "unix" : "inet";
      const text = `${who} has not accepted a connection to its ${kind === "unix" ? "unix" : "TCP"} socket, descriptor ${descriptor}`;
      look.inFlight.push({ kind, text });
    }
  }
  return look;
}

/** What programs use of what CRIU cannot dump, by the kernel's numbers. */
const multipathTcp = 262;
const families: Record<number, string> = {
  21: "RDS",
  29: "CAN",
  30: "TIPC",
  31: "Bluetooth",
  38: "AF_ALG",
  40: "vsock",
  43: "SMC",
  44: "XDP",
};

function foreignSocket(family: number, protocol: number): string {
  if (protocol === multipathTcp) return "a socket of multipath TCP (in Go, GODEBUG=multipathtcp=0 avoids it)";
  const name = families[family];
  if (name) return `a socket of the family ${name}`;
  return family === 2 || family === 10
    ? `a socket of the protocol ${protocol}`
    : `a socket of the address family ${family}`;
}
