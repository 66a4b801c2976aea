import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mountsOf, mountsOfAll, parseMounts } from "./mountinfo.ts";

test("a line with any number of optional fields, and paths with characters that the kernel escapes", () => {
  const text = [
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue",
    "640 520 0:58 / / rw,relatime - overlay overlay rw,lowerdir=/a\\040b:/c,upperdir=/d\\134e",
    "641 640 0:60 /a\\040b\\011 /srv/a\\012b rw propagate_from:2 - tmpfs - rw,size=1k",
    "",
  ].join("\n");
  expect(parseMounts(text)).toEqual([
    { device: "98:0", root: "/mnt1", mountpoint: "/mnt2", type: "ext3", superOptions: "rw,errors=continue" },
    {
      ...{ device: "0:58", root: "/", mountpoint: "/", type: "overlay" },
      superOptions: "rw,lowerdir=/a b:/c,upperdir=/d\\e",
    },
    { device: "0:60", root: "/a b\t", mountpoint: "/srv/a\nb", type: "tmpfs", superOptions: "rw,size=1k" },
  ]);
  expect(parseMounts("")).toEqual([]);
});

test("mounts of another namespace are among those of all processes, not among our own", async () => {
  const place = join(mkdtempSync(join(tmpdir(), "godwit mounts-")), "a b");
  execFileSync("mkdir", [place]);
  const script = 'mount -t tmpfs none "$0" && echo mounted && cat';
  const child = spawn("unshare", ["--mount", "sh", "-c", script, place], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    const here = ({ mountpoint }: { mountpoint: string }) => mountpoint === place;
    expect((await mountsOf("self")).some(here)).toBe(false);
    expect((await mountsOf(child.pid ?? 0)).find(here)).toMatchObject({ type: "tmpfs", root: "/" });
    expect((await mountsOfAll()).filter(here)).toHaveLength(1);
  } finally {
    child.stdin.end();
    await once(child, "exit");
    rmSync(join(place, ".."), { recursive: true });
  }
});
