import { expect, test } from "vitest";
import { MemoryJournal } from "../../testing/memory-journal.ts";
import { GodwitError } from "../contract/errors.ts";
import type { OperationEvent } from "../contract/operations.ts";
import type { OperationContext } from "./operation-context.ts";
import { Operations } from "./operations.ts";

function setUp(journal = new MemoryJournal()) {
  let clock = 0;
  let ids = 0;
  const operations = new Operations({
    journal,
    host: "h1",
    now: () => new Date(Date.UTC(2026, 0, 1)),
    monotonic: () => {
      clock += 10;
      return clock;
    },
    newId: () => {
      ids += 1;
      return `op${ids}`;
    },
  });
  return { journal, operations };
}

test("whoever wants to know is told when there is work, and when there is none any more", async () => {
  const told: boolean[] = [];
  let ids = 0;
  const operations = new Operations({
    journal: new MemoryJournal(),
    host: "h1",
    now: () => new Date(Date.UTC(2026, 0, 1)),
    monotonic: () => 0,
    newId: () => `op${ids++}`,
    onBusy: (busy) => told.push(busy),
  });
  const one = operations.start(spec, async () => {});
  const other = operations.start({ ...spec, container: "d" }, untilAborted);
  await operations.wait(one.id);
  expect(told).toEqual([true]);
  operations.cancel(other.id);
  await operations.wait(other.id);
  expect(told).toEqual([true, false]);
});

const spec = { kind: "migrate", container: "c", cancellable: true } as const;
const untilAborted = ({ signal }: OperationContext) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

async function types(events: AsyncIterable<OperationEvent>): Promise<string[]> {
  const found: string[] = [];
  for await (const event of events) found.push(event.body.type);
  return found;
}

test("an operation is there at once, tells what it does, and keeps its result", async () => {
  const { operations } = setUp();
  const begun = operations.start(spec, async (context) => {
    context.phase("sync", "Files go over");
    const value = await context.step("files", { switchover: true }, async () => 42);
    context.warn("careful");
    return { value, steps: context.steps, warnings: context.warnings };
  });
  expect(begun).toMatchObject({ id: "op1", state: "running", host: "h1" });
  const ended = await operations.wait("op1");
  expect(ended).toMatchObject({ state: "done", cancellable: false, endedAt: "2026-01-01T00:00:00.000Z", error: null });
  expect(ended.result).toEqual({
    value: 42,
    steps: [{ name: "files", side: "source", at: 10, ms: 10, switchover: true }],
    warnings: ["careful"],
  });
  expect(await types(operations.subscribe({ operationId: "op1", afterId: 0 }))).toEqual([
    "started",
    "phase",
    "step",
    "warning",
    "ended",
  ]);
});

test("a container has one operation at a time; a second names the first", async () => {
  const { operations } = setUp();
  operations.start(spec, untilAborted);
  expect(() => operations.start({ ...spec, kind: "restore" }, async () => {})).toThrow(
    "'c' is busy with the operation 'migrate' (id op1).",
  );
  operations.start({ ...spec, container: "d" }, async () => {});
  operations.cancel("op1");
  await operations.wait("op1");
  operations.start(spec, async () => {});
});

test("a failure keeps its code; a bug becomes internal", async () => {
  const { operations } = setUp();
  operations.start(spec, async () => {
    throw new GodwitError("dump-failed", "CRIU said no.", { details: ["why"] });
  });
  const failed = await operations.wait("op1");
  expect(failed.error).toEqual({ code: "dump-failed", message: "CRIU said no.", details: ["why"] });
  operations.start(spec, async () => {
    throw new TypeError("oops");
  });
  expect((await operations.wait("op2")).error).toMatchObject({ code: "internal", message: "oops." });
});

test("cancel ends as cancelled, also where the abort comes wrapped", async () => {
  const { operations } = setUp();
  operations.start(spec, async (context) => {
    await untilAborted(context).catch((error) => {
      throw new Error("command ended", { cause: error });
    });
  });
  await Promise.resolve();
  operations.cancel("op1");
  expect(await operations.wait("op1")).toMatchObject({ state: "cancelled", error: { code: "cancelled" } });
});

test("a failure on the way back after a cancel is told as what it is", async () => {
  const { operations } = setUp();
  operations.start(spec, async (context) => {
    await untilAborted(context).catch(() => {});
    throw new GodwitError("restore-failed", "It did not come back.");
  });
  await Promise.resolve();
  operations.cancel("op1");
  expect(await operations.wait("op1")).toMatchObject({ state: "failed", error: { code: "restore-failed" } });
});

test("after the point of no return cancel is refused; before it, it wins", async () => {
  const { operations } = setUp();
  let goOn = () => {};
  operations.start(spec, async (context) => {
    context.pointOfNoReturn();
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
  });
  await Promise.resolve();
  expect(operations.get("op1").cancellable).toBe(false);
  expect(() => operations.cancel("op1")).toThrow(/cannot be cancelled any more/);
  goOn();
  expect((await operations.wait("op1")).state).toBe("done");

  operations.start(spec, async (context) => context.pointOfNoReturn());
  operations.cancel("op2");
  expect((await operations.wait("op2")).state).toBe("cancelled");
});

test("a reader that joins in the middle sees everything once, in order", async () => {
  const { operations } = setUp();
  let goOn = () => {};
  operations.start(spec, async (context) => {
    for (let i = 0; i < 600; i += 1) context.phase("sync", String(i));
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    for (let i = 0; i < 600; i += 1) context.phase("sync", String(i));
  });
  await Promise.resolve();
  const ids: number[] = [];
  for await (const event of operations.subscribe({ operationId: "op1", afterId: 0 })) {
    ids.push(event.id);
    if (ids.length === 601) goOn();
  }
  expect(ids).toEqual(Array.from({ length: 1202 }, (_, i) => i + 1));
  expect(await types(operations.subscribe({ operationId: "op1", afterId: 1201 }))).toEqual(["ended"]);
  expect(await types(operations.subscribe({ operationId: "op1", afterId: 1202 }))).toEqual([]);
});

test("a reader of everything ends with its signal", async () => {
  const { operations } = setUp();
  const abort = new AbortController();
  const read = types(operations.subscribe({ afterId: 0, signal: abort.signal }));
  operations.start(spec, async () => {});
  await operations.wait("op1");
  await new Promise((done) => setImmediate(done));
  abort.abort();
  expect(await read).toEqual(["started", "ended"]);
});

test("an operation says what it is about, where it is and how far, also after its end", async () => {
  const { operations, journal } = setUp();
  const gate = Promise.withResolvers<void>();
  const { id } = operations.start({ ...spec, about: { to: "h2", limit: 1 } }, async (context) => {
    context.phase("sync", "Files go over");
    context.progress({
      ...{ phase: "sync", iteration: 1, bytesTotal: 9, bytesTransferred: 4, bytesRemaining: 5 },
      ...{ dirtyRate: null, bandwidth: null, expectedDowntime: null, remaining: null, elapsed: 0 },
    });
    context.about({ limit: 2 });
    await gate.promise;
  });
  const expected = { about: { to: "h2", limit: 2 }, phase: "sync", progress: { bytesTransferred: 4 } };
  await new Promise((resolve) => setImmediate(resolve));
  expect(operations.list()).toMatchObject([expected]);
  gate.resolve();
  await operations.wait(id);
  expect(journal.getOperation(id)).toMatchObject({ ...expected, state: "done" });
});

test("progress that comes too fast for a reader is dropped, its end is not", async () => {
  const { operations } = setUp();
  const progress = (bytesRemaining: number) => ({
    ...{ phase: "sync", iteration: 1, bytesTotal: 9, bytesTransferred: 9 - bytesRemaining, bytesRemaining },
    ...{ dirtyRate: null, bandwidth: null, expectedDowntime: null, remaining: null, elapsed: 0 },
  });
  operations.start(spec, async (context) => {
    for (const left of [9, 8, 7, 0]) context.progress(progress(left));
  });
  await operations.wait("op1");
  const all = await types(operations.subscribe({ operationId: "op1", afterId: 0 }));
  expect(all).toEqual(["started", "progress", "progress", "ended"]);
});

test("after a restart an operation is adopted, or failed", async () => {
  const { journal, operations } = setUp();
  operations.start(spec, () => new Promise(() => {}));
  operations.start({ ...spec, container: "d" }, () => new Promise(() => {}));
  const again = setUp(journal).operations;
  expect(again.adopt("op1", async () => "repaired")).toMatchObject({ id: "op1", state: "running" });
  expect(again.adopt("nope", async () => {})).toBeUndefined();
  again.failInterrupted();
  expect(again.get("op2")).toMatchObject({ state: "failed", error: { code: "interrupted" } });
  expect(await again.wait("op1")).toMatchObject({ state: "done", result: "repaired" });
});
