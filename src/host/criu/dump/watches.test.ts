import { expect, test } from "vitest";
import { parseMounts } from "../../proc/mountinfo.ts";
import { rootDevice, watchedIn } from "./watches.ts";

test("watches of inotify and fanotify are read with device and inode", () => {
  const fdinfo = [
    "pos:\t0",
    "flags:\t02004000",
    "inotify wd:3 ino:11a1 sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:1a11000020542153",
    "inotify wd:1 ino:ffffffffffff0001 sdev:2c mask:100 ignored_mask:0 fhandle-bytes:0 fhandle-type:0 f_handle:",
    "fanotify flags:10 event-flags:0",
    "fanotify mnt_id:12 mflags:40 mask:38 ignored_mask:40000003",
    "fanotify ino:4f969 sdev:800013 mflags:0 mask:3b ignored_mask:40000000 fhandle-bytes:8 fhandle-type:1 f_handle:69f90400c275b5b4",
  ].join("\n");
  expect(watchedIn(fdinfo)).toEqual([
    { device: 0x800013, inode: 0x11a1n },
    { device: 0x2c, inode: 0xffffffffffff0001n },
    { device: 0x800013, inode: 0x4f969n },
  ]);
});

test("the device of the root is the one of the overlay that was mounted last", () => {
  const root = (device: string, kind: string) => `640 520 ${device} / / rw,relatime - ${kind} ${kind} rw`;
  const proc = "641 640 0:60 / /proc rw - proc proc rw";
  expect(rootDevice(parseMounts([root("259:3", "ext4"), root("0:58", "overlay"), proc, ""].join("\n")))).toBe(58);
  expect(rootDevice(parseMounts([root("8:3", "overlay"), proc].join("\n")))).toBe(8 * 0x100000 + 3);
  expect(rootDevice(parseMounts([root("259:3", "ext4"), proc].join("\n")))).toBeUndefined();
});
