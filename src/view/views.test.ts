import { expect, test } from "vitest";
import type { Operation, OperationEvent, Progress } from "../contract/operations.ts";
import { errorLines } from "./error.ts";
import { follow, liveLines, newLive } from "./live.ts";
import { summaryLines } from "./summary.ts";
import { progressLines, transitionLine } from "./transitions.ts";
import { viewLines } from "./views.ts";

const now = new Date();
const operation: Operation = {
  ...{ id: "1a2b3c4d", kind: "migrate", host: "h1", container: "looper", state: "done", cancellable: false },
  ...{ startedAt: "2026-01-01T00:00:00.000Z", endedAt: "2026-01-01T00:00:03.210Z", error: null },
  ...{ phase: "drain", progress: null },
  about: {
    ...{ destination: "h2", asked: "auto", mode: "cold", onNoConvergence: "postcopy" },
    settings: { downtimeLimitMs: 300, bandwidth: 50_000_000, drainBandwidth: null },
  },
  result: {
    ...{ migration: "m1", container: "looper", source: "h1", destination: "h2", mode: "cold", id: "0123456789abcdef" },
    ...{ downtimeMs: 1411.6, totalMs: 3210, setupMs: 1200, wireBytes: 5_242_880, memoryBytes: 4_194_304, warnings: [] },
    verifiedBytes: 2_097_152,
    steps: [
      { name: "files", side: "source", at: 0, ms: 300, switchover: false },
      { name: "freeze", side: "source", at: 300, ms: 24, switchover: true },
      { name: "restore", side: "destination", at: 0, ms: 155.4, switchover: true },
    ],
  },
};

test("a migration's summary has the downtime in ms and its steps", () => {
  expect(summaryLines(operation)).toEqual([
    "looper moved from h1 to h2 and runs there as 0123456789ab",
    "downtime 1412 ms, total 3.2 s, set-up 1.2 s, 4 MiB memory, 2 MiB of it compared, 5 MiB sent, mode cold",
    "",
    "switchover: where the downtime went",
    "  source       freeze    24 ms",
    "  destination  restore  155 ms",
  ]);
});

test("CRIU's own statistics follow, where there are any", () => {
  const criu = {
    dump: {
      ...{ freezingMs: 0.8, frozenMs: 110, memoryDumpMs: 60, memoryWriteMs: 40 },
      ...{ pagesScanned: 1000, pagesSkippedParent: 0, pagesWritten: 900, pagesLazy: 880 },
    },
    restore: { forkingMs: 2.4, restoreMs: 155, pagesRestored: 20, pagesCompared: 0 },
  };
  const lines = (change: object) =>
    summaryLines({ ...operation, result: { ...(operation.result as object), ...change } });
  expect(lines({ criu }).slice(-3)).toEqual([
    "CRIU's own statistics",
    "  dump     freezing 0.8 ms, frozen 110 ms, memory read 60 ms, written 40 ms, 1000 pages scanned, 900 pages written, 880 pages lazy",
    "  restore  forking 2.4 ms, restoring 155 ms, 20 pages restored",
  ]);
  expect(lines({ criu: { dump: null, restore: null } })).toEqual(lines({}));
});

test("other operations say what they made; an unknown result is shown as done", () => {
  const run = { ...{ host: "h1", container: "two", id: "abcdefabcdefabcd", checkpoint: "before", downtimeMs: null } };
  const result = { ...run, totalMs: 800, steps: [], warnings: [] };
  expect(summaryLines({ ...operation, kind: "clone", result })).toEqual([
    "clone: two runs on h1 from checkpoint 'before' as abcdefabcdef",
    "total 800 ms",
  ]);
  expect(summaryLines({ ...operation, kind: "remove", result: { odd: 1 } })).toEqual(["remove of looper: done"]);
});

const event = (body: OperationEvent["body"], seconds = 0): OperationEvent => ({
  id: 1,
  operationId: "1a2b3c4d",
  at: new Date(Date.parse(operation.startedAt) + seconds * 1000).toISOString(),
  body,
});
const progress: Progress = {
  ...{ phase: "sync", iteration: 2, bytesTotal: 1000, bytesTransferred: 500, bytesRemaining: 500, dirtyRate: 1024 },
  ...{ bandwidth: 2048, expectedDowntime: 350, elapsed: 1, remaining: 244 },
};

test("the live display follows the events, and counts seconds between them", () => {
  const events = [
    event({ type: "started", operation: { ...operation, state: "running" } }),
    event({ type: "phase", phase: "preflight", message: "asking h2" }),
    event({ type: "phase", phase: "preflight", message: "h2 can take it" }),
    event({ type: "phase", phase: "sync", message: "files" }, 2),
    event({ type: "progress", progress }, 12),
  ];
  const live = events.reduce((before, one) => follow(before, one, 5000), newLive());
  expect(liveLines(live, "|", 80, 8100)).toEqual([
    "migrate looper from h1 to h2, 15 s",
    "  preflight: h2 can take it",
    "| sync: files",
    "  [##########----------]  500 B of 1000 B  2 KiB/s  244 ms left",
    "  round 2  dirtied 1 KiB/s  expected downtime 350 ms",
  ]);
  expect(liveLines(live, "|", 30, 8100).every((line) => line.length <= 30)).toBe(true);
});

test("without a terminal every transition is a line", () => {
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

test("without a terminal a phase reports its progress at most once a second, and its total once", () => {
  const tell = progressLines();
  const at = (phase: string, seconds: number, bytesTransferred: number, bytesTotal = 1000) => {
    const bytesRemaining = bytesTotal - bytesTransferred;
    const one = { ...progress, ...{ phase, iteration: 1, bytesTotal, bytesTransferred, bytesRemaining } };
    return tell(event({ type: "progress", progress: { ...one, dirtyRate: null, expectedDowntime: null } }, seconds));
  };
  expect([at("prepare", 0, 0), at("prepare", 0.2, 500, 500), at("prepare", 0.3, 500, 500)]).toEqual([
    undefined,
    "prepare: 500 B of 500 B, 2 KiB/s",
    undefined,
  ]);
  const seconds = Array.from({ length: 40 }, (_, i) => 1 + i * 0.1);
  const lines = seconds.map((second) => at("sync", second, 100)).filter(Boolean);
  expect(lines).toEqual(Array(3).fill("sync: 100 B of 1000 B, 2 KiB/s, 244 ms left"));
  expect(at("sync", 4.95, 1000)).toBeUndefined();
  expect([at("drain", 5, 0, 0), at("drain", 7, 0, 0)]).toEqual([undefined, undefined]);
  expect(tell(event({ type: "phase", phase: "arm", message: "x" }))).toBeUndefined();
});

test("a doctor's remedy stands below its fault", () => {
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
