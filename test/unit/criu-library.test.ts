import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { libraryParts } from "../../scripts/c-programs.ts";
import { DumpWatch } from "../../src/host/criu/dump/watch.ts";
import { eventually } from "../e2e/support/wait.ts";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "godwit-library-"));
const [library, criu] = [join(folder, "godwit-criu.so"), join(folder, "criu")];

beforeAll(() => {
  execFileSync("cc", ["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o", library, ...libraryParts()]);
  execFileSync("cc", ["-O1", "-o", criu, source("support/criu-calls.c")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const call = (words: string[], env: Record<string, string>) =>
  execFileSync(criu, words, { env, encoding: "utf8" }).trim();
const newWatch = () => DumpWatch.create(join(folder, "watch"), "/nowhere");

test("an eventfd with the mark of a semaphore becomes one, with its value; without the library that fails", () => {
  expect(call(["semaphore", "3"], { LD_PRELOAD: library })).toBe("0 1 1 1");
  expect(call(["semaphore", "1"], { LD_PRELOAD: library })).toBe("0 1 99 1");
  expect(call(["semaphore", "0"], { LD_PRELOAD: library })).toBe("0 99 99 1");
  expect(call(["semaphore", "3"], {})).toBe("Invalid argument");
});

test("of a large table only what is written is copied", async () => {
  const watch = await newWatch();
  try {
    // 64 GiB of address space: a table of 256 MiB.
    const pages = String(2 ** 24);
    const [, right, kib] =
      /^(0 wrong), (\d+) KiB$/.exec(call(["table", pages], { ...watch.environment, LD_PRELOAD: library })) ?? [];
    expect(right).toBe("0 wrong");
    expect(Number(kib)).toBeLessThan(1024);
  } finally {
    await watch.close();
  }
});

test("a dump that is ended fails at its next image, and can still read what is there", async () => {
  const watch = await newWatch();
  const images = join(folder, "images");
  mkdirSync(images);
  const child = spawn(criu, ["images", images], {
    env: { ...watch.environment, LD_PRELOAD: library },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  try {
    await eventually("images are made", async () => globSync(join(images, "*")).length > 2 || undefined);
    await watch.end("it was cancelled");
    await once(child, "close");
    expect(output).toBe("Operation canceled after some, others open\n");
    expect(watch.why).toBe("it was cancelled");
  } finally {
    child.kill("SIGKILL");
    await watch.close();
  }
});
