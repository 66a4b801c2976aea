import { describe, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive } from "../support/looper.ts";
import { allModes, moveBackAndForth } from "./support/moves.ts";
import { recordMoved } from "./support/results.ts";

/** Programs that use many things of the kernel at once, and print a number whenever all of them worked. */
const mixes = [
  {
    id: "shell",
    command: "/opt/shell_tree.sh",
    what: "A tree of shells: pipes, fifos, background jobs, traps, `flock`, `tail -f`",
    how: "in each round a question goes through all of it; a lock that is held is never given away, one that is shared to one at a time",
  },
  {
    id: "python",
    command: "python3 /opt/python_mix.py",
    what: "Python: threads, `mmap`, `inotify` on a tmpfs and in the root, `epoll`, signals, an interval timer, a pool of processes",
    how: "each part is set up once and used in every round",
  },
  {
    id: "sockets",
    command: "python3 /opt/sockets.py",
    what: "Sockets: TCP to itself, also not accepted or not made yet, UDP, raw and ICMP ones, packet and netlink ones, unix ones of every kind, also without a file, and with an open file on its way",
    how: "something is always on its way; each is used in every round",
  },
  {
    id: "ipc",
    command: "/opt/ipc",
    what: "C: System V and POSIX shared memory and semaphores, System V message queues, `timerfd`, `eventfd`, `signalfd`",
    how: "two processes ask each other over all of them in every round, and look at all of the memory",
  },
];

export function mixedPrograms(lab: TestLab, journeys = allModes): void {
  describe.each(mixes)("$id", ({ id, what, how, command }) => {
    test.each(journeys)("$name: all parts go on working together", async ({ modes }) => {
      await lab.on("h1", `docker run --pull never -d --shm-size 64m --name ${id} servers ${command}`);
      await countsOn(lab, "h1", id, 3);
      const after = async (host: string) => expectConsecutive(await countsOn(lab, host, id, 3));
      await moveBackAndForth(lab, { name: id, modes, after });
      recordMoved({ id, what, how, test: "test/e2e/programs/mixes.ts" }, modes);
    });
  });
}
