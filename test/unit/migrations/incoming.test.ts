import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ReserveRequest, reserveRequest } from "../../../src/contract/peer/messages.ts";
import { protocol } from "../../../src/contract/version.ts";
import { IncomingMigrations } from "../../../src/migration/destination/incoming-migrations.ts";
import { incomingKind } from "../../../src/migration/destination/record.ts";
import { Operations } from "../../../src/operations/operations.ts";
import { Tickets } from "../../../src/transport/tickets.ts";
import { fakeEngine } from "../../../testing/fake-engine.ts";
import { container, host as hostFacts } from "../../../testing/host-facts.ts";
import { MemoryJournal } from "../../../testing/memory-journal.ts";

let journal: MemoryJournal;
let operations: Operations;
let migrations: IncomingMigrations;

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

beforeEach(() => {
  journal = new MemoryJournal();
  start();
});

afterEach(() => {
  migrations.close();
});

/** An agent begins, with the journal as it is. */
function start(): void {
  const engine = fakeEngine();
  let ids = 0;
  const now = () => new Date();
  const newId = () => `receive-${++ids}`;
  operations = new Operations({ journal, host: "h2", now, monotonic: () => performance.now(), newId });
  const host = { name: "h2", engine, dockerRoot: engine.rootFolder, facts: async () => hostFacts("h2") };
  migrations = new IncomingMigrations({ host, journal, operations, tickets: new Tickets(), log: quiet });
}

const inspect = { Id: "1", Name: "/web", Config: { Image: "busybox" }, HostConfig: {}, NetworkSettings: {} };
const web = container({ name: "web", imageId: `sha256:${"1".repeat(64)}`, inspect });

const request = (migration: string, change: Partial<ReserveRequest> = {}): ReserveRequest =>
  reserveRequest.parse({
    ...{ migration, source: "h1", protocol, dryRun: false, facts: hostFacts("h1"), container: web },
    ...{ imageLayers: [], trees: [], choices: {}, ...change },
  });

const recorded = () => journal.listRecords(incomingKind).map(({ id }) => id);
const ask = { revoke: false, forced: false };
const revoke = { revoke: true, forced: false };

describe("a container that is to come", () => {
  test("has its name held from the reservation on, and not by a dry run", async () => {
    await migrations.reserve(request("dry", { dryRun: true }));
    expect(recorded()).toEqual([]);
    await migrations.reserve(request("first"));
    expect(recorded()).toEqual(["first"]);
    await expect(migrations.reserve(request("second"))).rejects.toMatchObject({
      code: "busy",
      message: expect.stringContaining("'web' is busy with the operation 'receive'"),
    });
  });

  test("is refused from an agent of another protocol, by name of both versions", async () => {
    await expect(migrations.reserve(request("other", { protocol: protocol + 1 }))).rejects.toMatchObject({
      code: "incompatible-agent",
      message: `h2 speaks version ${protocol} of the protocol, h1 version ${protocol + 1}.`,
    });
  });

  test("is found by its source alone", async () => {
    await migrations.reserve(request("mine"));
    await expect(migrations.find("mine", "h3")).rejects.toMatchObject({ code: "no-such-migration" });
    expect((await migrations.find("mine", "h1")).migration).toBe("mine");
  });

  test("is given up where its source gives no sign any more", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await migrations.reserve(request("alone"));
    await vi.advanceTimersByTimeAsync(119_000);
    expect(operations.list()).toMatchObject([{ state: "running" }]);
    await vi.advanceTimersByTimeAsync(2_000);
    vi.useRealTimers();
    expect(await operations.wait("receive-1")).toMatchObject({
      state: "failed",
      error: { code: "agent-unreachable", message: "h1 gave no sign for 120 s." },
    });
  });

  test("that its source takes back has not arrived: its operation fails, and says so", async () => {
    await migrations.reserve(request("back"));
    expect(await migrations.askBaton("back", "h1", revoke)).toMatchObject({ status: "refused" });
    const error = { code: "cancelled", message: "h1 took 'web' back." };
    expect(await operations.wait("receive-1")).toMatchObject({ state: "failed", error });
  });

  test("never begins once its source has taken it back, also after a restart of the agent", async () => {
    expect(await migrations.askBaton("late", "h1", revoke)).toMatchObject({ status: "refused" });
    start();
    await expect(migrations.reserve(request("late"))).rejects.toMatchObject({ code: "cancelled" });
    expect(await migrations.askBaton("late", "h1", ask)).toMatchObject({
      status: "refused",
    });
  });
});

describe("an agent that starts again", () => {
  test("gives up what had not been offered, says why, and lets go of the name", async () => {
    await migrations.reserve(request("begun"));
    const [{ id } = { id: "" }] = operations.list();
    migrations.close();
    start();
    await migrations.resume();
    const error = {
      code: "agent-ended",
      message: expect.stringContaining("The agent of h2 ended while 'web' was coming"),
    };
    expect(await migrations.askBaton("begun", "h1", ask)).toMatchObject({ status: "refused", error });
    expect(await operations.wait(id)).toMatchObject({ state: "failed", error });
    await migrations.reserve(request("next"));
  });

  test("forgets what ended more than a month ago, and reads the rest in spite of a record that it cannot read", async () => {
    await migrations.reserve(request("new"));
    const [{ value } = { value: {} }] = journal.listRecords(incomingKind);
    const ended = { ...(value as object), state: { at: "refused" }, startedAt: "2020-01-01T00:00:00.000Z" };
    journal.putRecord(incomingKind, "old", ended);
    journal.putRecord(incomingKind, "broken", { state: "?" });
    migrations.close();
    start();
    await migrations.resume();
    expect(recorded().sort()).toEqual(["broken", "new"]);
    expect((await migrations.find("new", "h1")).migration).toBe("new");
  });
});
