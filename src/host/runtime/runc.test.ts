import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findRuncContainer } from "./runc.ts";

const id = "c0ffee".repeat(10);
let run = "";
let state = "";
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "godwit-runc-"));
  const folder = join(run, "runtime-runc", "moby", id);
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(run, "containerd"));
  state = join(folder, "state.json");
});
afterEach(() => rmSync(run, { recursive: true }));

const write = (value: unknown) => writeFileSync(state, typeof value === "string" ? value : JSON.stringify(value));

test.each([
  ["version 2", { "": `/sys/fs/cgroup/docker/${id}` }, `/sys/fs/cgroup/docker/${id}`],
  ["version 1", { cpu: "/x", freezer: `/sys/fs/cgroup/freezer/docker/${id}` }, `/sys/fs/cgroup/freezer/docker/${id}`],
])("a container is found by its state, with its cgroup of %s", async (_, cgroup_paths, cgroup) => {
  write({ init_process_pid: 7, cgroup_paths });
  expect(await findRuncContainer(id, run)).toEqual({ id, root: join(run, "runtime-runc", "moby"), pid: 7, cgroup });
});

test("where runc has no state of it, there is none", async () => {
  expect(await findRuncContainer(id, run)).toBeUndefined();
  expect(await findRuncContainer(id, join(run, "nothing"))).toBeUndefined();
});

test("a state that another runtime wrote is not runc's", async () => {
  write({ ociVersion: "1.0.2", id, status: "running", pid: 7 });
  expect(await findRuncContainer(id, run)).toBeUndefined();
});

test("what could not be read is not taken for gone", async () => {
  mkdirSync(state);
  await expect(findRuncContainer(id, run)).rejects.toMatchObject({ code: "EISDIR" });
  rmSync(state, { recursive: true });
  write("{");
  await expect(findRuncContainer(id, run)).rejects.toThrow(SyntaxError);
  write({ init_process_pid: 7, cgroup_paths: { "": "/sys/fs/cgroup" } });
  await expect(findRuncContainer(id, run)).rejects.toMatchObject({ code: "command-failed" });
});
