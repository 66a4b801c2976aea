import { expect, test } from "vitest";
import { parseMounts } from "../proc/mountinfo.ts";
import { checkpointSpaceOf, memorySpaceOf, migrationsAmong, mountsBelow } from "./image-space.ts";

test("the spaces for a restore from a checkpoint, and for taking one, are not among those of migrations", () => {
  const others = [checkpointSpaceOf("c0ffee".repeat(10)), memorySpaceOf("5e6f7a8b")];
  expect(migrationsAmong(["1a2b3c4d", ...others])).toEqual(["1a2b3c4d"]);
});

test("mounts at a path and below it, the deepest first; those beside it are left alone", () => {
  const mountinfo = [
    "1 0 0:1 / /run rw - tmpfs tmpfs rw",
    "2 1 0:2 / /run/images/a rw - tmpfs godwit rw",
    "3 2 0:3 / /run/images/a/.criu.cgyard.x rw - tmpfs none rw",
    "4 3 0:4 / /run/images/a/.criu.cgyard.x/unified rw - cgroup2 none rw",
    "5 1 0:5 / /run/images/ab rw - tmpfs godwit rw",
    "",
  ].join("\n");
  expect(mountsBelow("/run/images/a", parseMounts(mountinfo))).toEqual([
    "/run/images/a/.criu.cgyard.x/unified",
    "/run/images/a/.criu.cgyard.x",
    "/run/images/a",
  ]);
});
