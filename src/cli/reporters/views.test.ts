import { expect, test } from "vitest";
import type { Operation, OperationEvent, Progress } from "../../contract/operations.ts";
import { errorLines } from "./error.ts";
import { follow, liveLines, newLive, transitionLine } from "./live.ts";
import { summaryLines } from "./summary.ts";
import { viewLines } from "./views.ts";

const now = new Date();
const operation: Operation = {
  ...{ id: "1a2b3c4d", kind: "migrate", host: "h1", container: "looper", state: "done", cancellable: false },
  ...{ startedAt: "2026-01-01T00:00:00.000Z", endedAt: "2026-01-01T00:00:03.210Z", error: null },
  result: {
    ...{ migration: "m1", container: "looper", source: "h1", destination: "h2", mode: "cold", id: "0123456789abcdef" },
    ...{ downtimeMs: 1411.6, totalMs: 3210, setupMs: 1200, wireBytes: 5_242_880, memoryBytes: 4_194_304, warnings: [] },
    steps: [
      { name: "files", side: "source", at: 0, ms: 300, switchover: false },
      { name: "freeze", side: "source", at: 300, ms: 24, switchover: true },
      { name: "restore", side: "destination", at: 0, ms: 155.4, switchover: true },
    ],
  },
};

test("a migration's summary says the downtime in ms and where it went", () => {
  expect(summaryLines(operation)).toEqual([
    "looper moved from h1 to h2 and runs there as 0123456789ab",
    "downtime 1412 ms, total 3.2 s, set-up 1.2 s, 4 MiB memory, 5 MiB sent, mode cold",
    "",
    "switchover: where the downtime went",
    "  source       freeze    24 ms",
    "  destination  restore  155 ms",
  ]);
});

test("the other operations say what they made; an unknown result is no failure", () => {
  const run = { ...{ host: "h1", container: "two", id: "abcdefabcdefabcd", checkpoint: "before", downtimeMs: null } };
  const result = { ...run, totalMs: 800, steps: [], warnings: [] };
  expect(summaryLines({ ...operation, kind: "clone", result })).toEqual([
    "clone: two runs on h1 from checkpoint 'before' as abcdefabcdef",
    "total 800 ms",
  ]);
  expect(summaryLines({ ...operation, kind: "remove", result: { odd: 1 } })).toEqual(["remove of looper: done"]);
});

const event = (body: OperationEvent["body"]): OperationEvent => ({
  id: 1,
  operationId: "1a2b3c4d",
  at: now.toISOString(),
  body,
});
const progress: Progress = {
  ...{ phase: "sync", iteration: 2, bytesTotal: 1000, bytesTransferred: 500, bytesRemaining: 500, dirtyRate: null },
  ...{ bandwidth: 2048, expectedDowntime: 350, elapsed: 1, remaining: null },
};

test("the live display follows the events", () => {
  const events = [
    event({ type: "started", operation: { ...operation, state: "running" } }),
    event({ type: "phase", phase: "preflight", message: "h2 can take it" }),
    event({ type: "phase", phase: "sync", message: "files" }),
    event({ type: "progress", progress }),
  ];
  const live = events.reduce(follow, newLive());
  expect(liveLines(live, "|", 80)).toEqual(
    [
      "  preflight: h2 can take it",
      "| sync: files",
      "  [##########----------]  500 B of 1000 B  2 KiB/s  round 2  downtime about 350 ms",
    ].map((line) => line.slice(0, 80)),
  );
});

test("in a pipe every transition is a line", () => {
  const lines = [
    event({ type: "started", operation }),
    event({ type: "phase", phase: "sync", message: "files" }),
    event({ type: "progress", progress }),
    event({ type: "warning", message: "no room", remedy: "Make some." }),
    event({ type: "ended", operation }),
  ].map(transitionLine);
  expect(lines).toEqual([
    "migrate looper (operation 1a2b3c4d)",
    "sync: files",
    undefined,
    "warning: no room (Make some.)",
    undefined,
  ]);
});

test("a doctor's remedies stand under what they are for", () => {
  const verdicts = [
    { check: "docker", level: "ok" as const, message: "Docker 28.5.2" },
    { check: "criu", level: "fail" as const, message: "CRIU is not installed", remedy: "apt-get install criu" },
  ];
  expect(viewLines({ view: "doctor", data: [{ host: "h1", with: null, verdicts }] }, now)).toEqual([
    "h1",
    "  ok    docker: Docker 28.5.2",
    "  fail  criu: CRIU is not installed",
    "        apt-get install criu",
  ]);
});

test("ps shows every host, also one that does not answer", () => {
  const warn = { check: "rm", level: "warn" as const, message: "it is removed when it ends" };
  const looper = { host: "h1", id: "0123456789abcdef", name: "looper", image: "busybox", state: "running" };
  const containers = [{ ...looper, status: "Up 2 s", runtime: "godwit", obstacles: [warn] }];
  const data = [
    { host: "h1", containers, problem: null },
    { host: "h2", containers: [], problem: "The agent of h2 does not answer." },
  ];
  expect(viewLines({ view: "containers", data }, now)).toEqual([
    "CONTAINER  ID            IMAGE    STATUS  RUNTIME  MOVING",
    "h1/looper  0123456789ab  busybox  Up 2 s  godwit   yes, but it is removed when it ends",
    "h2                                                 The agent of h2 does not answer.",
  ]);
});

test("an error is its sentence, its hint and its details", () => {
  expect(errorLines({ code: "dump-failed", message: "CRIU said no.", hint: "Try.", details: ["a", "b"] })).toEqual([
    "godwit: CRIU said no.",
    "  hint: Try.",
    "    a",
    "    b",
  ]);
});
