import { expect } from "vitest";
import type { TestLab } from "./lab.ts";
import { countsOn, expectConsecutive } from "./looper.ts";
import { eventually } from "./wait.ts";

/** What a move could leave on its destination. (`ls` prints the names of both folders, which begin with a slash.) */
const remains = "docker volume ls -q; ls /var/lib/godwit/pending /run/godwit/images | grep -v '^/' || true";

/** Checks that a refused command changed nothing: `looper` still counts on h1, and h2 has only the containers `there`, one per line. */
export async function expectUnchanged(lab: TestLab, there = ""): Promise<void> {
  expectConsecutive(await countsOn(lab, "h1", "looper", 2));
  expect(await lab.on("h2", "docker ps -a --format '{{.Names}}'")).toBe(there);
  expect(await lab.on("h2", remains)).toBe("");
  expect(await lab.on("h1", "find /var/lib/godwit -path '*/checkpoints/*' -name '.*.partial'")).toBe("");
}

/** Checks that a failed move is undone: the container still counts on h1, and h2 soon has nothing of it. */
export async function expectMoveUndone(lab: TestLab, name: string): Promise<void> {
  expectConsecutive(await countsOn(lab, "h1", name, 2));
  await eventually("nothing is left on h2", async () => {
    const left = await lab.on("h2", `docker ps -aq; ${remains}`);
    return left.trim() === "" || undefined;
  });
  expect(await lab.on("h1", "ls /run/godwit/images")).toBe("");
}
