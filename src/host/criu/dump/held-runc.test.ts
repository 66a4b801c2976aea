import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isHeld } from "./held-config.ts";
import { configFile } from "./held-runc.ts";
import { holdLazyDump } from "./lazy-dump.ts";

const container = { id: "c0ffee", root: "/run", pid: 1, cgroup: "/nowhere" };
const path = process.env.PATH;
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-runc-"));
  process.env.PATH = `${folder}:${path}`;
});
afterEach(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true });
});

/** A runc that starts CRIU this many times, then reports the dump, and then serves pages for a while. */
async function runcWith(starts: number): Promise<{ images: string; work: string }> {
  const reads = 'cat "$CRIU_CONFIG_FILE" >/dev/null; '.repeat(starts);
  await writeFile(
    join(folder, "runc"),
    `#!/bin/sh\n[ "$2" = --help ] && exit\n${reads}: >${folder}/dumped; echo >&3; exec sleep 1\n`,
  );
  await chmod(join(folder, "runc"), 0o755);
  const [images, work] = [join(folder, "images"), join(folder, "work")];
  await mkdir(images);
  return { images, work };
}

test("runc waits at the start of the CRIU that dumps, until run() is called", async () => {
  const held = await holdLazyDump(container, await runcWith(3), "4.2.1");
  expect(existsSync(join(folder, "dumped"))).toBe(false);
  await held.run(AbortSignal.timeout(60_000));
  expect(existsSync(join(folder, "dumped"))).toBe(true);
});

test("a held dump that is dropped has changed nothing", async () => {
  const request = await runcWith(3);
  const held = await holdLazyDump(container, request, "4.2.1");
  expect(await isHeld(join(request.work, configFile))).toBe(true);
  held.end();
  await expect(held.run(AbortSignal.timeout(60_000))).rejects.toMatchObject({ code: "dump-failed" });
  expect(existsSync(join(folder, "dumped"))).toBe(false);
});

test("a runc that starts CRIU less often is refused: it has dumped a container that was not frozen", async () => {
  const request = await runcWith(2);
  const holding = holdLazyDump(container, request, "4.2.1").then((held) => held.run(AbortSignal.timeout(60_000)));
  await expect(holding).rejects.toMatchObject({
    code: "dump-failed",
    message: expect.stringContaining("before it was frozen"),
  });
  // A dump that has run must not count as held: it would be killed.
  expect(await isHeld(join(request.work, configFile))).toBe(false);
});
