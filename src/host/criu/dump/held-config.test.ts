import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../proc/process.ts";
import { HeldConfig, isHeld } from "./held-config.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-held-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** What a start of CRIU does. */
const start = (path: string) => run("cat", [path]);

test("starts pass one by one, the next one waits, and all starts after the release read a plain file", async () => {
  const config = await HeldConfig.create(join(folder, "criu.conf"), 2);
  for (const number of ["first", "second"]) {
    const reading = start(config.path);
    await config.pass([number, "line"]);
    expect(await reading).toBe(`${number}\nline`);
  }
  let over = false;
  const held = start(config.path).finally(() => {
    over = true;
  });
  expect(await isHeld(config.path)).toBe(true);
  expect(over).toBe(false);
  await config.release(["third"]);
  expect(await held).toBe("third");
  expect(await isHeld(config.path)).toBe(false);
  expect(await start(config.path)).toBe("third");
  await config.close();
  expect(await readFile(config.path, "utf8")).toBe("third\n");
});

test("a release waits for the start that it releases", async () => {
  const config = await HeldConfig.create(join(folder, "criu.conf"), 0);
  const releasing = config.release(["line"]);
  expect(await Promise.race([releasing, sleep(50, "waits")])).toBe("waits");
  expect(await isHeld(config.path)).toBe(true);
  expect(await start(config.path)).toBe("line");
  expect(await releasing).toBe(true);
});

test("close ends the wait for a start that never comes", async () => {
  const config = await HeldConfig.create(join(folder, "criu.conf"), 1);
  const passing = config.pass(["line"]);
  expect(await Promise.race([passing, sleep(50, "waits")])).toBe("waits");
  await config.close();
  await passing;
});
