import { expect, test } from "vitest";
import { container, criuOf, host } from "../../testing/host-facts.ts";
import { mount } from "../../testing/preflight-input.ts";
import { type Audience, type Check, verdictsFor } from "./check.ts";
import { ok } from "./finding.ts";
import { containerChecks, hostChecks } from "./registry.ts";

/** Keys of what an audience is told of a container that uses everything that a container can use. */
function told(audience: Audience): string[] {
  const everything = container({
    ...{ runtime: "runsc", gpus: ["nvidia"], devices: ["/dev/kvm"], privileged: true, autoRemove: true },
    ...{ unsupported: ["an io_uring"], unrestorable: ["/proc/1/task/9/stat"], execSessions: ["bash"] },
    ...{ networkMode: "host", pidMode: "host", ipcMode: "host", logDriver: "journald" },
    joined: [{ name: "vpn", namespace: "network" }],
    namespaceSharers: [{ name: "sidecar", namespace: "pid" }],
    mounts: [mount("volume", { driver: "nfs" }), mount("image")],
    inspect: { HostConfig: { Links: ["/db:/web/db"] } },
    obstacles: [{ message: "process 7 (app) has mapped 8 TiB", remedy: "map less" }],
    otherUsers: [{ pid: 1, command: "redis-server", as: "user 999" }],
  });
  const where = host("h1", { criu: criuOf({ otherUsers: false }) });
  return verdictsFor(audience, containerChecks, { container: everything, host: where }).map(
    ({ check, level }) => `${check} ${level}`,
  );
}

const everyDump =
  "state ok,runtime fail,gpu fail,devices fail,open-files fail,restore fail,processes fail,pid-mode fail,ipc-mode fail,network-mode fail,pid-joined fail,volume-driver fail,mounts fail,user fail".split(
    ",",
  );
const without = (...keys: string[]) => everyDump.filter((line) => !keys.includes(line));

test("a migration is told everything about a container, in this order", () => {
  expect(told("migration")).toEqual(
    "state ok,runtime fail,gpu fail,devices fail,privileged warn,open-files fail,restore fail,processes fail,network-mode warn,pid-mode fail,ipc-mode fail,network-mode fail,pid-joined fail,volume-driver fail,mounts fail,links fail,auto-remove warn,exec warn,log-driver warn,user fail".split(
      ",",
    ),
  );
});

test.each([
  ["stop", everyDump],
  ["rollback", everyDump],
  ["clone", without("pid-joined fail")],
  ["keep", without("pid-joined fail").map((line) => (line === "restore fail" ? "restore warn" : line))],
] as const)("to %s concerns only what that dump needs", (purpose, lines) => expect(told(purpose)).toEqual(lines));

test("a plain container: it runs, and godwit can migrate what it uses", () => {
  const lines = (audience: Audience) =>
    verdictsFor(audience, containerChecks, { container: container(), host: host("h1") }).map(({ check }) => check);
  expect([lines("migration"), lines("keep")]).toEqual([["state", "features"], ["state"]]);
});

test("a host: what doctor shows, what either side needs, what a destination needs besides", () => {
  const lines = (audience: Audience) =>
    verdictsFor(audience, hostChecks, { host: host("h1"), memoryFollows: false }).map(({ check }) => check);
  expect(lines("either-side")).toEqual("docker,storage-driver,runc,criu,pipe-size,freezer,tools".split(","));
  expect(lines("destination")).toEqual(["hook", "userfaultfd"]);
});

test("a check is run only for its audiences, and each of its verdicts has its key", () => {
  const refuse = () => {
    throw new Error("not asked for");
  };
  const checks: Check<object>[] = [
    { key: "two", audiences: ["doctor", "keep"], run: () => [ok("one"), ok("other")] },
    { key: "none", audiences: ["stop"], run: refuse },
  ];
  expect(verdictsFor("keep", checks, {})).toEqual([
    { check: "two", level: "ok", message: "one" },
    { check: "two", level: "ok", message: "other" },
  ]);
});
