import { describe, expect, test } from "vitest";
import { criuOf, dockerOf } from "../../../testing/host-facts.ts";
import { type Case, check, volume } from "../../../testing/preflight-input.ts";

describe("what is allowed with a warning", () => {
  const cases: [string, Case, string][] = [
    ["--rm", { container: { autoRemove: true } }, "auto-remove"],
    ["privileged", { container: { privileged: true } }, "privileged"],
    ["host network", { container: { networkMode: "host" } }, "network-mode"],
    ["exec sessions", { container: { execSessions: ["bash", "bash"] } }, "exec"],
    ["journald", { container: { logDriver: "journald" } }, "log-driver"],
    [
      "a port that Docker chose, and that is taken",
      {
        container: { ports: [{ container: "80/tcp", hostIp: "::", hostPort: 32768, chosen: true }] },
        view: { portsTaken: [{ port: 32768, protocol: "tcp" }] },
      },
      "ports",
    ],
    ["a limit that nothing obeys", { mode: "cold", options: { downtimeLimitMs: 50 } }, "options"],
    ["what never happens", { mode: "postcopy", options: { onNoConvergence: "abort" } }, "options"],
    [
      "a drain that never comes",
      { mode: "precopy", options: { onNoConvergence: "switchover", drainBandwidth: 1e6 } },
      "options",
    ],
    ["a bind mount", { view: { binds: [{ source: "/data", copied: false, there: true }] } }, "bind-mounts"],
    [
      "a copy of a shared volume",
      { container: { volumes: [volume({ users: ["db"] })] }, choices: { sharedVolumes: "copy" } },
      "shared-volumes",
    ],
    [
      "a volume of shared storage",
      { container: { volumes: [volume({ options: { type: "nfs", device: ":/export" }, users: ["db"] })] } },
      "mounted-volumes",
    ],
    [
      "another network of the same name",
      { view: { networksDifferent: [{ name: "lan", what: "subnet a here, b on the source" }] } },
      "networks",
    ],
    ["small pipes", { source: { pipeMaxSize: 1048576 }, mode: "cold" }, "pipe-size"],
    ["no userfaultfd there", { destination: { criu: criuOf({ lazyPages: false }) }, mode: "cold" }, "userfaultfd"],
    ["an older kernel there", { destination: { kernel: "6.1.0-40" } }, "kernel"],
    ["an old Docker", { source: { docker: dockerOf({ version: "24.0.7" }) } }, "docker"],
  ];
  test.each(cases)("%s", (_, change, key) => {
    const verdicts = check(change);
    expect(verdicts.filter(({ level }) => level === "fail")).toEqual([]);
    expect(verdicts.filter(({ level }) => level === "warn").map((verdict) => verdict.check)).toEqual([key]);
  });

  test("CRIU 4.1 on both: TCP sockets from kernel 6.16 on", () => {
    const old = criuOf({ version: "4.1.1" });
    const warnings = check({ source: { criu: old }, destination: { criu: old, kernel: "6.15.1" } }).filter(
      (verdict) => verdict.check === "criu",
    );
    expect(warnings.map(({ level }) => level)).toEqual(["warn", "warn"]);
    expect(warnings[0]?.message).toContain("cannot save TCP sockets on kernel 6.18.5");
    expect(warnings[1]?.message).toContain("recommended");
  });
});

test("nothing is said twice, also where a mode makes a failure of a warning", () => {
  const verdicts = check({ destination: { criu: criuOf({ lazyPages: false }) }, mode: "postcopy" });
  expect(verdicts.filter(({ level }) => level === "fail").map(({ check }) => check)).toEqual(["mode"]);
  const seen = verdicts.map(({ check, message }) => `${check} ${message}`);
  expect(new Set(seen).size).toBe(seen.length);
});
