import { expect, test } from "vitest";
import { stateOf } from "../support/looper.ts";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

const modes = [
  ["h1", "h2", "precopy"],
  ["h2", "h1", "cold"],
] as const;

const pause = (name: string) => lab.on("h1", `docker pause ${name} && docker unpause ${name}`);

test("a container that only sleeps moves, there and back", async () => {
  await lab.on("h1", "docker run --pull never -d --name sleeper busybox sleep 100000");
  // After a stop of its own the program is in another system call: restart_syscall.
  await pause("sleeper");
  for (const [from, to, mode] of modes) {
    await lab.json("migrate", `${from}/sleeper`, to, "--mode", mode);
    expect(await stateOf(lab, to, "sleeper")).toBe("running");
  }
});

test("a program that does not expect that epoll_wait is interrupted goes on waiting", async () => {
  await makePrograms(lab, "h1", ["waits"]);
  await lab.on("h1", "docker run --pull never -d --name listens programs waits events");
  for (const [from, to, mode] of modes) {
    await lab.json("migrate", `${from}/listens`, to, "--mode", mode);
    expect(await stateOf(lab, to, "listens")).toBe("running");
  }
});

test("calls that wait go on waiting in the copy: none returns EINTR, and none comes too early", async () => {
  await makePrograms(lab, "h1", ["waits"]);
  await lab.on("h1", "docker run --pull never -d --name waits programs waits");
  await pause("waits");
  for (const [from, to, mode] of modes) await lab.json("migrate", `${from}/waits`, to, "--mode", mode);
  const log = await eventually("the program has waited", async () => {
    const text = await lab.on("h1", "docker logs waits");
    return text.includes("poll gave") ? text : undefined;
  });
  expect(log.split("\n")).toEqual(["waits", "slept enough, to the end", "poll gave 1, something to read"]);
});
