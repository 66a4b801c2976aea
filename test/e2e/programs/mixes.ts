import { describe, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive } from "../support/looper.ts";
import { modes, moveBackAndForth } from "./support/moves.ts";
import { held } from "./support/results.ts";

/** Programs that use many things of the kernel at once, and print a number whenever all of them worked. */
const mixes = [
  { id: "shell", command: "/opt/shell_tree.sh" },
  { id: "python", command: "python3 /opt/python_mix.py" },
  { id: "ipc", command: "/opt/ipc" },
];

export function mixedPrograms(lab: TestLab): void {
  describe.each(mixes)("$id", ({ id, command }) => {
    test.each(modes)("%s: everything that hangs together goes on doing so", async (mode) => {
      await lab.on("h1", `docker run --pull never -d --init=false --shm-size 64m --name ${id} servers ${command}`);
      await countsOn(lab, "h1", id, 3);
      const after = async (host: string) => expectConsecutive(await countsOn(lab, host, id, 3));
      await moveBackAndForth(lab, { name: id, mode, after });
      held(id, mode);
    });
  });
}
