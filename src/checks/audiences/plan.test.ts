import { describe, expect, test } from "vitest";
import { criuOf, host } from "../../../testing/host-facts.ts";
import type { HostFacts } from "../../contract/facts.ts";
import type { Mode } from "../../contract/migration.ts";
import { choosePlan, possibleEnd } from "./plan.ts";

const eager = host("h2", { criu: criuOf({ lazyPages: false }) });
const narrow = host("h2", { pipeMaxSize: 1048576, capSysResource: false });

const container = { pinned: [] };
const choose = (asked: Mode, destination: HostFacts) =>
  choosePlan({ asked, source: host("h1"), destination, container });

test("what was asked for is done", () => {
  expect(choose("cold", host("h2"))).toEqual({ mode: "cold", because: "You asked for cold." });
  expect(choose("postcopy", host("h2")).mode).toBe("postcopy");
});

test("where the source tracks changed memory, all of it goes before the switchover", () => {
  expect(choose("auto", host("h2"))).toEqual({
    mode: "precopy",
    because: "Changes of memory can be tracked, so it can be sent while the container runs.",
  });
});

describe("whichever way the kernel tells which pages were written", () => {
  const scans = (name: string, pageScan = true) => host(name, { pageScan });
  const marks = (name: string) => host(name, { pageScan: false, softDirty: true });
  const between = (
    source: HostFacts,
    destination: HostFacts,
    pinned = container.pinned as { pid: number; command: string }[],
  ) => choosePlan({ asked: "auto", source, destination, container: { pinned } });

  test("only the source's has to", () => {
    expect(between(marks("h1"), scans("h2", false)).mode).toBe("precopy");
    expect(between(scans("h1"), scans("h2")).mode).toBe("precopy");
    expect(between(scans("h1"), scans("h2", false)).mode).toBe("precopy");
    expect(between(scans("h1", false), scans("h2")).mode).toBe("postcopy");
  });

  test("but not that of a process into whose memory devices write", () => {
    const { mode, because } = between(scans("h1"), scans("h2"), [{ pid: 7, command: "mysqld" }]);
    expect(mode).toBe("postcopy");
    expect(because).toContain("process 7 (mysqld)");
  });
});

test.each([
  ["userfaultfd", eager],
  ["pipes of the size that CRIU needs", narrow],
])("without %s all memory moves cold, and the reason says where to look", (_, destination) => {
  expect(choose("auto", destination)).toMatchObject({ mode: "cold", because: expect.stringContaining("doctor") });
});

test("pre-copy does not end as post-copy where that is not possible", () => {
  const end = (destination: HostFacts) => possibleEnd("postcopy", host("h1"), destination);
  expect([end(host("h2")), end(eager), end(narrow)]).toEqual(["postcopy", "switchover", "switchover"]);
  expect(possibleEnd("abort", host("h1"), eager)).toBe("abort");
});
