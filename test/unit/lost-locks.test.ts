import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lostLocks } from "../../src/host/container/lost-locks.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-locks-"));
const locker = join(folder, "locker");
beforeAll(() => {
  execFileSync("cc", ["-o", locker, fileURLToPath(new URL("support/locker.c", import.meta.url))]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["map", 1],
  ["plain", 0],
])("a record lock on a file (%s): %d would be lost", async (how, lost) => {
  const file = join(folder, how);
  const child = spawn(locker, [file, how], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  expect(await lostLocks([child.pid ?? 0])).toEqual(lost ? [file] : []);
  child.kill();
  await once(child, "close");
});
