import { expect } from "vitest";
import type { Migration } from "../../../src/contract/migration.ts";
import type { CliResult, TestLab } from "./lab.ts";
import { startLooper } from "./looper.ts";
import { eventually } from "./wait.ts";

/** Starts a counting container on h1, with a file of so many incompressible megabytes in its writable layer. */
export async function startWithFiles(lab: TestLab, name: string, megabytes: number): Promise<void> {
  await startLooper(lab, "h1", name);
  await lab.on("h1", `docker exec ${name} dd if=/dev/urandom of=/big bs=1000000 count=${megabytes}`);
}

/** The running migration. Fails unless exactly one runs. */
export async function runningMove(lab: TestLab): Promise<Migration> {
  const found = (await lab.json<Migration[]>("migration", "ls")).filter(({ state }) => state === "running");
  expect(found).toHaveLength(1);
  return found[0] as Migration;
}

/** Waits until bytes flow in the phase that has just begun. */
export const bytesFlow = (lab: TestLab) =>
  eventually("bytes flow", async () => ((await runningMove(lab)).progress?.bytesTransferred ?? 0) > 0 || undefined);

/** The error that a command with --json printed; undefined if it succeeded. */
export const errorOf = ({ stdout }: CliResult) =>
  (JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { error?: { code: string; message: string; hint?: string } })
    .error;
