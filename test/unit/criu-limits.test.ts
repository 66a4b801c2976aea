import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "godwit-limits-"));
const [library, asker] = ["limits.so", "ask-limits"].map((name) => join(folder, name)) as [string, string];
const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

beforeAll(() => {
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, source("../../src/lab/criu/limits.c")]);
  execFileSync("cc", ["-o", asker, source("support/ask-limits.c")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a preloaded library answers for the limits of another user's process, as the kernel has them", async () => {
  const limited = ["--nofile=123:456", "--core=0:unlimited", "sleep", "60"];
  const sleeper = spawn("prlimit", limited, { uid: 65534, gid: 65534, stdio: "ignore" });
  try {
    await once(sleeper, "spawn");
    while (readFileSync(`/proc/${sleeper.pid}/comm`, "utf8") !== "sleep\n") await new Promise(setImmediate);
    const said = execFileSync(asker, [String(sleeper.pid)], { env: { LD_PRELOAD: library } }).toString();
    const rows = readFileSync(`/proc/${sleeper.pid}/limits`, "utf8").trim().split("\n").slice(1);
    const expected = rows.map((row) => row.slice(26).trim().split(/\s+/).slice(0, 2).join(" "));
    expect(expected).toContain("123 456");
    // The last line says what a program that it runs finds preloaded.
    expect(said.trim().split("\n")).toEqual([...expected, "preloaded: no"]);
  } finally {
    sleeper.kill("SIGKILL");
  }
});

test("it answers nothing else: no other process, no changed limit, no other call", () => {
  const refused = execFileSync(asker, ["4194305"], { env: { LD_PRELOAD: library } }).toString();
  expect(refused.split("\n")[0]).toBe("No such process");
});
