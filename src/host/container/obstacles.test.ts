import { expect, test } from "vitest";
import { hugeMappings, lostTimers, ownNamespaces, secretMemory, traced } from "./obstacles.ts";

const process = { pid: 7, hostPid: 4007, command: "app" };
const container = {
  pid: "pid:[6]",
  uts: "uts:[1]",
  ipc: "ipc:[2]",
  net: "net:[3]",
  user: "user:[4]",
  cgroup: "cgroup:[5]",
};

test("a process with a namespace of its own is named, with what makes one", () => {
  expect(ownNamespaces(process, container, container)).toEqual([]);
  expect(ownNamespaces(process, container, { ...container, uts: "uts:[9]", net: "net:[8]" })).toEqual([
    {
      message: "process 7 (app) runs in a namespace of its own (uts, net), which CRIU cannot dump",
      remedy: "run it in the container's own; of a service of systemd, turn off ProtectHostname, PrivateNetwork",
    },
  ]);
});

test.each([
  ["none", "", 0],
  ["of the process", "ID: 0\nsignal: 14/0000\nnotify: signal/pid.4007\nClockID: 1\n", 0],
  ["of a thread that runs", "ID: 0\nsignal: 14/0000\nnotify: signal/tid.4008\nClockID: 1\n", 0],
  ["of a thread that has ended", "ID: 0\nsignal: 14/0000\nnotify: signal/tid.4009\nClockID: 1\n", 1],
  ["of one that has ended, after one that runs", "notify: signal/tid.4008\nnotify: signal/tid.0\n", 1],
])("timers: %s", (_, timers, obstacles) => {
  expect(lostTimers(process, timers, ["4007", "4008"])).toHaveLength(obstacles);
});

test.each([
  ["8 TiB", "7e0000000000-860000000000 rw-p 00000000 00:00 0 ", 1],
  ["8 TiB of a file", "7e0000000000-860000000000 rw-s 00000000 00:00 0 /dev/shm/x", 0],
  ["1 GiB", "7e0000000000-7e0040000000 rw-p 00000000 00:00 0 ", 0],
])("a mapping of %s", (_, line, obstacles) => {
  const found = hugeMappings(process, `00400000-00401000 r-xp 00000000 08:01 5 /bin/app\n${line}\n`, 24 * 2 ** 30);
  expect(found).toHaveLength(obstacles);
  if (obstacles > 0) expect(found[0]?.message).toContain("has mapped 8 TiB at once");
});

test("secret memory is named", () => {
  const line = "7e0000000000-7e0000001000 rw-s 00000000 00:0f 9    ";
  expect(secretMemory(process, `${line}/dev/zero (deleted)\n`)).toEqual([]);
  expect(secretMemory(process, `${line}/secretmem (deleted)\n${line}/srv/x\n`)).toHaveLength(1);
});

test("a process that a debugger traces is named", () => {
  expect(traced(process, "Name:\tapp\nTracerPid:\t0\nUid:\t0\n")).toEqual([]);
  expect(traced(process, "Name:\tapp\nTracerPid:\t4010\nUid:\t0\n")).toHaveLength(1);
});
