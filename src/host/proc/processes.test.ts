import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pidsBelow } from "./processes.ts";

let cgroup = "";
beforeEach(() => {
  cgroup = mkdtempSync(join(tmpdir(), "godwit-cgroup-"));
  mkdirSync(join(cgroup, "below"));
  writeFileSync(join(cgroup, "cgroup.procs"), "12\n7\n");
});
afterEach(() => rmSync(cgroup, { recursive: true, force: true }));

test("the processes of a cgroup are those of the ones below it, too", async () => {
  writeFileSync(join(cgroup, "below", "cgroup.procs"), "99\n");
  expect((await pidsBelow(cgroup)).sort()).toEqual([12, 7, 99].sort());
});

test("a cgroup that is gone has none", async () => {
  rmSync(cgroup, { recursive: true });
  expect(await pidsBelow(cgroup)).toEqual([]);
});

test("a list that could not be read is not taken for an empty one", async () => {
  mkdirSync(join(cgroup, "below", "cgroup.procs"));
  await expect(pidsBelow(cgroup)).rejects.toMatchObject({ code: "EISDIR" });
});
