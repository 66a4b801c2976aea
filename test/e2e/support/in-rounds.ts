import { expect } from "vitest";
import type { Migration } from "../../../src/contract/migration.ts";
import type { OperationEvent } from "../../../src/contract/operations.ts";
import { expectMemoryRight } from "./checked-memory.ts";
import type { CliResult, TestLab } from "./lab.ts";
import { eventually } from "./wait.ts";

/** What a command with --json printed last. */
export const lastOf = ({ stdout }: CliResult) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "null");

/** The warnings among the events that a command with --json printed. */
export const warnings = ({ stdout }: CliResult): string[] =>
  stdout
    .split("\n")
    .map((line) => JSON.parse(line) as OperationEvent)
    .flatMap(({ body }) => (body?.type === "warning" ? [body.message] : []));

/** Waits for a round of memory whose bytes flow, so many rounds of files and memory having been before it. */
export const inRound = (lab: TestLab, iteration: number): Promise<Migration> =>
  eventually(`iteration ${iteration}`, async () => {
    const found = (await lab.json<Migration[]>("migration", "ls")).find(({ state }) => state === "running");
    const { progress } = found ?? {};
    const flows = progress && (progress.iteration ?? 0) >= iteration && progress.bytesTransferred > 0;
    return flows ? found : undefined;
  });

/** It runs on here, and nothing of it is there. */
export async function expectOnlyHere(lab: TestLab, name: string): Promise<void> {
  await expectMemoryRight(lab, "h1", name);
  const left = "docker ps -aq; ls /var/lib/godwit/pending /run/godwit/images | grep -v '^/' || true";
  await eventually("nothing is left on h2", async () => (await lab.on("h2", left)).trim() === "" || undefined);
  expect(await lab.on("h1", "ls /run/godwit/images")).toBe("");
}
