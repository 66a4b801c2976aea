import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { isMemoryLost, lazyPagesOf, markEager } from "../../src/host/criu/restore/lazy-pages.ts";
import { parseMounts } from "../../src/host/proc/mountinfo.ts";
import { findCgroup2 } from "../../src/lab/host/cgroup.ts";
import { beginCase, loseWorker, original, pages, serviceFor, usePrograms } from "./support/lazy-pages.ts";

const programs = usePrograms();

/** Long enough for many looks of the guard and of an agent. */
const aWhileMs = 400;

/** A cgroup of this machine, with one below it. */
function makeCgroup(name: string): { top: string; below: string; [Symbol.dispose](): void } {
  const top = join(
    findCgroup2(parseMounts(readFileSync("/proc/self/mountinfo", "utf8"))) ?? "",
    `godwit-test-${name}-${process.pid}`,
  );
  const below = join(top, "below");
  mkdirSync(below, { recursive: true });
  return {
    top,
    below,
    [Symbol.dispose]: () => {
      rmdirSync(below);
      rmdirSync(top);
    },
  };
}

/** A folder that looks like a cgroup, and in which nothing is killed. */
function fakeCgroup(seed: number, files: Record<string, string>): string {
  const cgroup = join(programs.folder, `cgroup-${seed}`);
  mkdirSync(join(cgroup, "below"), { recursive: true });
  for (const [name, text] of Object.entries({ "cgroup.procs": "", "below/cgroup.procs": "", ...files }))
    writeFileSync(join(cgroup, name), text);
  return cgroup;
}

test.concurrent("a container that lacks pages is killed, without memory for another process and without a PATH", async () => {
  using cgroup = makeCgroup("killed");
  const one = await beginCase(programs, 21, {
    ...{ cgroup: cgroup.top, program: programs.lazyPagesWithoutFork, env: { PATH: "" } },
  });
  writeFileSync(join(cgroup.below, "cgroup.procs"), String(one.patient));
  const close = await loseWorker(one);
  expect(await one.end).toBe("SIGKILL");
  close();
  expect(await one.status).toBe(1);
  expect(existsSync(join(one.work, "drained"))).toBe(false);
  expect(readFileSync(join(one.work, "lazy-pages.log"), "utf8")).toContain("signal 9");
});

test.concurrent("memory is held for as long as a process may be left in the container's cgroup", async () => {
  const cgroup = fakeCgroup(22, { "cgroup.kill": "" });
  const below = join(cgroup, "below/cgroup.procs");
  const one = await beginCase(programs, 22, { cgroup });
  writeFileSync(below, `${one.patient}\n`);
  const close = await loseWorker(one);
  await sleep(aWhileMs);
  expect(one.lives()).toBe(true);
  expect(readFileSync(join(cgroup, "cgroup.kill"), "utf8")).toBe("1");
  one.killPatient();
  expect(await one.end).toBe("SIGKILL");
  // It is listed still.
  await sleep(aWhileMs);
  expect(one.lives()).toBe(true);
  // That cannot be read any more. The rename leaves no moment without a file.
  symlinkSync(below, `${below}.loop`);
  renameSync(`${below}.loop`, below);
  await sleep(aWhileMs);
  expect(one.lives()).toBe(true);
  writeFileSync(`${below}.empty`, "");
  renameSync(`${below}.empty`, below);
  expect(await one.status).toBe(1);
  close();
});

test.concurrent("memory is held for as long as it exists, also where its cgroup is not there", async () => {
  const one = await beginCase(programs, 23);
  const close = await loseWorker(one);
  await sleep(aWhileMs);
  expect(one.lives()).toBe(true);
  one.killPatient();
  expect(await one.end).toBe("SIGKILL");
  expect(await one.status).toBe(1);
  close();
});

test.concurrent("in a cgroup of version 1 each process is killed, and what stands frozen is thawed for that", async () => {
  const cgroup = fakeCgroup(24, { "freezer.state": "FROZEN" });
  const one = await beginCase(programs, 24, { cgroup });
  writeFileSync(join(cgroup, "below/cgroup.procs"), `${one.patient}\n`);
  const close = await loseWorker(one);
  expect(await one.killedBy).toBe("SIGKILL");
  // What it had forked is not listed.
  one.killPatient();
  writeFileSync(join(cgroup, "below/cgroup.procs"), "");
  expect(await one.status).toBe(1);
  expect(readFileSync(join(cgroup, "freezer.state"), "utf8")).toBe("THAWED");
  close();
});

test.concurrent("an agent that starts anew finds that all memory is there while the guard has not seen it yet", async () => {
  const one = await beginCase(programs, 25);
  await one.begin(["task 1", `run ${one.first} ${pages}`]);
  process.kill(one.guard, "SIGSTOP");
  await serviceFor(one.work).serve(original);
  expect(await one.end).toBe("ok");
  // Of the worker a process without a command line is left.
  await expect(lazyPagesOf(one.work).drained).resolves.toBeUndefined();
  expect(await isMemoryLost(one.work)).toBe(false);
  process.kill(one.guard, "SIGCONT");
  expect(await one.status).toBe(0);
});

test.concurrent("an agent that starts anew waits for the guard to kill a container that lacks pages", async () => {
  using cgroup = makeCgroup("awaited");
  const one = await beginCase(programs, 26, { cgroup: cgroup.top });
  writeFileSync(join(cgroup.below, "cgroup.procs"), String(one.patient));
  const close = await loseWorker(one, () => process.kill(one.guard, "SIGSTOP"));
  let settled = false;
  const drained = lazyPagesOf(one.work).drained.finally(() => {
    settled = true;
  });
  drained.catch(() => {});
  await sleep(aWhileMs);
  expect(settled).toBe(false);
  process.kill(one.guard, "SIGCONT");
  await expect(drained).rejects.toMatchObject({ code: "restore-failed" });
  expect(await one.end).toBe("SIGKILL");
  expect(await isMemoryLost(one.work)).toBe(true);
  close();
});

test.concurrent("an agent that starts anew can have a container killed that lacks pages", async () => {
  using cgroup = makeCgroup("stopped");
  const one = await beginCase(programs, 27, { cgroup: cgroup.top });
  writeFileSync(join(cgroup.below, "cgroup.procs"), String(one.patient));
  await one.begin(["task 1", `run ${one.first} ${pages}`]);
  const { drained, stop } = lazyPagesOf(one.work);
  stop();
  await expect(drained).rejects.toMatchObject({ code: "restore-failed" });
  expect(await one.end).toBe("SIGKILL");
});

test("where a restore left no page out, an agent that starts anew finds all memory there", async () => {
  const work = join(programs.folder, "eager");
  mkdirSync(work);
  await expect(lazyPagesOf(work).drained).rejects.toMatchObject({ code: "restore-failed" });
  expect(await isMemoryLost(work)).toBe(false);
  await markEager(work);
  await expect(lazyPagesOf(work).drained).resolves.toBeUndefined();
});
