import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeCgroupAhead, removeEmptyCgroup } from "./ahead.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "godwit-cgroup-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** A folder with the files that the kernel gives a cgroup. */
function cgroup(path: string, controllers: string, counted: string): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "cgroup.controllers"), controllers);
  writeFileSync(join(folder, "cgroup.subtree_control"), counted);
  return folder;
}
const counted = (folder: string) => readFileSync(join(folder, "cgroup.subtree_control"), "utf8");

test("the cgroup is made, and its memory is counted at each level above it", async () => {
  const parent = cgroup("docker", "cpu memory\n", "\n");
  cgroup("", "cpu memory pids\n", "cpu memory\n");
  const made = await makeCgroupAhead("/docker/c0ffee", root);
  expect(made).toBe(join(root, "docker/c0ffee"));
  expect(counted(parent)).toBe("+memory");
  expect(counted(root)).toBe("cpu memory\n");
  // One that exists is taken as it is.
  expect(await makeCgroupAhead("/docker/c0ffee", root)).toBe(made);
});

test("what systemd counts is left to it", async () => {
  const slice = cgroup("system.slice", "memory\n", "\n");
  cgroup("", "memory\n", "\n");
  expect(await makeCgroupAhead("/system.slice/docker-c0ffee.scope", root)).toBe(join(slice, "docker-c0ffee.scope"));
  expect([counted(root), counted(slice)]).toEqual(["\n", "\n"]);
});

test("nothing is made where the kernel counts no memory", async () => {
  cgroup("", "cpu pids\n", "cpu\n");
  expect(await makeCgroupAhead("/docker/c0ffee", root)).toBeUndefined();
  expect(await makeCgroupAhead("/docker/c0ffee", join(root, "none"))).toBeUndefined();
  await expect(async () => readFileSync(join(root, "docker"))).rejects.toThrow("ENOENT");
});

test("only an empty cgroup is removed", async () => {
  const folder = cgroup("docker/c0ffee", "", "");
  await removeEmptyCgroup(folder);
  expect(counted(folder)).toBe("");
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  await removeEmptyCgroup(folder);
  await removeEmptyCgroup(folder);
  expect(() => readFileSync(folder)).toThrow("ENOENT");
});
