import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GodwitError } from "../../../src/contract/errors.ts";
import type { BatonAnswer } from "../../../src/contract/peer/messages.ts";
import { realClock } from "../../../src/migration/baton/owed-effects.ts";
import { OutgoingMigrations } from "../../../src/migration/source/outgoing-migrations.ts";
import { type OutgoingRecord, outgoingKind } from "../../../src/migration/source/record.ts";
import { Operations } from "../../../src/operations/operations.ts";
import type { Peer } from "../../../src/transport/peer.ts";
import { type FakeEngine, fakeEngine } from "../../../testing/fake-engine.ts";
import { host as hostFacts } from "../../../testing/host-facts.ts";
import { MemoryJournal } from "../../../testing/memory-journal.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

let engine: FakeEngine;
let journal: MemoryJournal;
/** What the destination says of each migration; nothing where it does not answer. */
let answers: Record<string, Pick<BatonAnswer, "status" | "complete">>;

/** Agents wait seconds between two questions. */
const times = 50;
const { now, sleep } = realClock;

beforeEach(() => {
  vi.spyOn(realClock, "now").mockImplementation(() => now() * times);
  vi.spyOn(realClock, "sleep").mockImplementation((ms) => sleep(ms / times));
  [engine, journal, answers] = [fakeEngine(), new MemoryJournal(), {}];
});

const quiet = { info: () => {}, warn: () => {}, error: vi.fn() };

/** What an agent makes of the journal that the one before it left. */
function afterRestart() {
  let ids = 0;
  const now = () => new Date();
  const newId = () => `op-${++ids}`;
  const operations = new Operations({ journal, host: "h1", now, monotonic: () => performance.now(), newId });
  const peer = {
    name: "h2",
    json: async (_method: string, path: string) => {
      const [, migration = ""] = /migrations\/([^/]+)/.exec(path) ?? [];
      const known = answers[migration];
      if (!known) throw new GodwitError("agent-unreachable", "The agent of h2 does not answer.");
      return { ...known, steps: [], criu: null, entryMs: null, error: null };
    },
  } as unknown as Peer;
  const host = { name: "h1", engine, dockerRoot: engine.rootFolder, facts: async () => hostFacts("h1") };
  return new OutgoingMigrations({ host, journal, operations, peers: () => peer, log: quiet, moved: async () => {} });
}

async function running(name: string, restart = "no"): Promise<string> {
  const body = {
    Image: "busybox",
    HostConfig: { RestartPolicy: { Name: restart } },
    NetworkingConfig: { EndpointsConfig: {} },
  };
  const id = await engine.create(name, body as unknown as Parameters<FakeEngine["create"]>[1]);
  await engine.start(id);
  return id;
}

function left(migration: string, containerId: string, change: Partial<OutgoingRecord>): void {
  const record: OutgoingRecord = {
    ...{ migration, containerId, container: "web", destination: "h2" },
    state: { at: "holds", ended: null, settled: false },
    ...{ owed: [], mode: "cold", keepSource: false, keepConnections: false, mayBeFrozen: false },
    ...{ restartPolicy: null, volumes: [], startedAt: new Date().toISOString(), result: null },
    ...change,
  };
  journal.putRecord(outgoingKind, migration, record);
}

const recorded = () => journal.listRecords(outgoingKind).map(({ id }) => id);
const until = (look: () => Promise<void>) => vi.waitFor(look, { timeout: 20_000, interval: 50 });

describe("an agent that starts again", () => {
  test("ends two migrations of one name, each with its own container", async () => {
    const [old, present] = [await running("old-web"), await running("web")];
    // The first one's original is still to be removed; the second one was never offered, and its policy is held.
    left("first", old, { state: { at: "finished" }, owed: ["kill", "remove"] });
    left("second", present, { restartPolicy: { Name: "always" } });
    answers = { first: { status: "running", complete: true }, second: { status: "refused", complete: false } };
    const migrations = afterRestart();
    await migrations.resume();
    await until(async () => {
      expect(await engine.find(old)).toBeUndefined();
      expect(await engine.find(present)).toMatchObject({ State: { Running: true } });
      expect((await engine.inspect(present)).HostConfig.RestartPolicy).toEqual({ Name: "always" });
      expect(recorded()).toEqual([]);
    });
    migrations.close();
  });

  test("is not kept from it by a record that it cannot read, which it keeps", async () => {
    const original = await running("web");
    journal.putRecord(outgoingKind, "broken", { state: "?" });
    left("whole", original, { state: { at: "finished" }, owed: ["kill", "remove"] });
    const migrations = afterRestart();
    await migrations.resume();
    await until(async () => expect(await engine.find(original)).toBeUndefined());
    await until(async () => expect(recorded()).toEqual(["broken"]));
    expect(quiet.error).toHaveBeenCalledWith(expect.objectContaining({ id: "broken" }), expect.anything());
    migrations.close();
  });
});

describe("a container that was handed over to a host which does not answer", () => {
  beforeEach(async () => {
    left("lost", await running("web"), { state: { at: "passed" } });
  });

  test("waits: it is neither moved again nor given back unasked", async () => {
    const migrations = afterRestart();
    await migrations.resume();
    const waits = { code: "baton-unresolved", hint: expect.stringContaining("godwit recover web --force") };
    expect(() => migrations.assertSettled("web")).toThrow(expect.objectContaining(waits));
    expect(() => migrations.assertSettled("other")).not.toThrow();
    expect(await migrations.recover("other", false)).toMatchObject({ outcome: "nothing-to-recover" });
    await expect(migrations.recover("web", false)).rejects.toMatchObject(waits);
    migrations.close();
  });

  test("runs here again where the operator says that the host is gone, and can be moved", async () => {
    const migrations = afterRestart();
    await migrations.resume();
    expect(await migrations.recover("web", true)).toMatchObject({ host: "h1", outcome: "running-on-source" });
    expect(() => migrations.assertSettled("web")).not.toThrow();
    migrations.close();
  });

  test("is taken as moved where the host answers that it runs there", async () => {
    const migrations = afterRestart();
    await migrations.resume();
    answers = { lost: { status: "running", complete: true } };
    expect(await migrations.recover("web", false)).toMatchObject({ host: "h2", outcome: "running-on-destination" });
    await until(async () => expect(await engine.find("web")).toBeUndefined());
    migrations.close();
  });
});

test("settings of a migration that no operation carries out any more are refused", () => {
  const migrations = afterRestart();
  expect(() => migrations.set("gone", {})).toThrow(expect.objectContaining({ code: "wrong-phase" }));
  expect(() => migrations.switchNow("gone")).toThrow(expect.objectContaining({ code: "wrong-phase" }));
});
