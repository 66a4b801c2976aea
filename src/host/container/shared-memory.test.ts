import { expect, test } from "vitest";
import { allocatedSegments, lockedPrivate, ofFirst, sharedRanges } from "./shared-memory.ts";

test("each object without a file once, as map_files names it; no file, and no segment of System V", () => {
  const maps = `00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/program
00e03000-00e24000 rw-p 00000000 00:00 0           [heap]
00f00000-01000000 rw-s 00000000 00:01 1024        /dev/zero (deleted)
7f0000000000-7f0000100000 r--s 00000000 00:01 1024 /dev/zero (deleted)
7f0000200000-7f0000300000 rw-p 00000000 00:05 7   /dev/zero
7f0000400000-7f0000500000 rw-s 00000000 00:01 3   /SYSV00000000 (deleted)
7f0000600000-7f0000700000 rw-p 00000000 00:01 77  /memfd:a b (deleted)
7f0000800000-7f0000900000 rw-s 00000000 00:2f 12  /dev/shm/named
`;
  expect(sharedRanges(maps)).toEqual(["7f0000000000-7f0000100000", "7f0000600000-7f0000700000"]);
  expect(sharedRanges("00f00000-01000000 rw-s 00000000 00:01 1024  /dev/zero (deleted)\n")).toEqual(["f00000-1000000"]);
});

test("segments: what is in memory and what is swapped out", () => {
  const list = `       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
         0          0   600               1048576    12    12      1     0     0     0     0 1 0 1    524288   4096
         0          1   600               1048576    12    12      0     0     0     0     0 1 2 1   1048576      0
`;
  expect(allocatedSegments(list)).toBe(524288 + 4096 + 1048576);
  expect(allocatedSegments("")).toBe(0);
});

test("locked memory: no more than the process has of its own", () => {
  expect(lockedPrivate("VmLck:\t    2048 kB\nRssAnon:\t    1024 kB\n")).toBe(2 ** 20);
  expect(lockedPrivate("VmLck:\t     512 kB\nRssAnon:\t    1024 kB\n")).toBe(2 ** 19);
  // A process that has ended.
  expect(lockedPrivate("")).toBe(0);
});

test("a process that has ended says nothing for the others; another failure is told", async () => {
  const ask = (codes: Record<number, string>) => async (pid: number) => {
    if (codes[pid]) throw Object.assign(new Error(codes[pid]), { code: codes[pid] });
    return pid;
  };
  expect(await ofFirst([1, 2, 3], ask({ 1: "ENOENT", 2: "EINVAL" }))).toBe(3);
  expect(await ofFirst([1], ask({ 1: "ESRCH" }))).toBeUndefined();
  await expect(ofFirst([1, 2], ask({ 1: "EMFILE" }))).rejects.toThrow("EMFILE");
});
