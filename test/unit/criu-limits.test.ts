import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "godwit-limits-"));
const [library, asker] = ["limits.so", "ask-limits"].map((name) => join(folder, name)) as [string, string];
const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** A process of another user. */
let sleeper: ChildProcess;

beforeAll(async () => {
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, source("../../src/lab/criu/limits.c")]);
  execFileSync("cc", ["-o", asker, source("support/ask-limits.c")]);
  const limited = ["--nofile=123:456", "--core=0:unlimited", "sleep", "60"];
  sleeper = spawn("prlimit", limited, { uid: 65534, gid: 65534, stdio: "ignore" });
  await once(sleeper, "spawn");
  while (readFileSync(`/proc/${sleeper.pid}/comm`, "utf8") !== "sleep\n") await new Promise(setImmediate);
});
afterAll(() => {
  sleeper.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Asks without the rights by which the kernel would answer itself, on a machine that gives them. */
function ask(preload: string[], ...args: string[]): string[] {
  // The library takes itself out of the environment of what setpriv would run.
  const without = ["--bounding-set=-sys_resource,-kill", "env", ...preload, asker, ...args];
  return execFileSync("setpriv", without, { encoding: "utf8" }).trim().split("\n");
}
const preloaded = [`LD_PRELOAD=${library}`];

test("a preloaded library answers for the limits of another user's process, as the kernel has them", () => {
  const pid = String(sleeper.pid);
  expect(ask([], pid)).toEqual(["Operation not permitted"]);
  const rows = readFileSync(`/proc/${pid}/limits`, "utf8").trim().split("\n").slice(1);
  const expected = rows.map((row) => row.slice(26).trim().split(/\s+/).slice(0, 2).join(" "));
  expect(expected).toContain("123 456");
  // The last line says what a program that it runs finds preloaded.
  expect(ask(preloaded, pid)).toEqual([...expected, "preloaded: no"]);
});

test("it answers nothing else: no process that does not exist, no changed limit, no other call", () => {
  const pid = String(sleeper.pid);
  expect(ask(preloaded, "4194305")).toEqual(["No such process"]);
  expect(ask(preloaded, pid, "set")).toEqual(["Operation not permitted"]);
  expect(ask(preloaded, pid, "signal")).toEqual(["Operation not permitted"]);
});
