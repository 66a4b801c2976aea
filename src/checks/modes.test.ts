import { expect, test } from "vitest";
import { criuOf, host } from "../../testing/host-facts.ts";
import type { HostFacts } from "../contract/facts.ts";
import { hasAll, lacksOf, modes, orderedModes, sendsAllFrozen } from "./modes.ts";

test("how memory goes in each mode", () => {
  const ways = Object.values(modes).map((mode) => [
    mode.name,
    mode.followsAfterResume ? "after the resume" : "before the resume",
    mode.goesInRounds ? "in rounds" : "at once",
    sendsAllFrozen(mode) ? "all under the freeze" : "little under the freeze",
  ]);
  expect(ways).toEqual([
    ["precopy", "before the resume", "in rounds", "little under the freeze"],
    ["postcopy", "after the resume", "at once", "little under the freeze"],
    ["cold", "before the resume", "at once", "all under the freeze"],
  ]);
});

test.each<[lack: string, Partial<HostFacts>, possible: string[]]>([
  ["nothing", {}, ["precopy", "postcopy", "cold"]],
  ["dirty tracking", { pageScan: false }, ["postcopy", "cold"]],
  ["userfaultfd", { criu: criuOf({ lazyPages: false }) }, ["cold"]],
  ["large pipes", { pipeMaxSize: 65536 }, ["cold"]],
  ["CRIU", { criu: null }, ["cold"]],
])("a host that lacks %s", (_, change, possible) => {
  const facts = host("h1", change);
  expect(orderedModes.filter((mode) => hasAll(facts, mode)).map(({ name }) => name)).toEqual(possible);
});

test("what two hosts lack for a mode is named once, with the hosts that lack it", () => {
  const [plain, narrow, old] = [
    host("h1"),
    host("h2", { pipeMaxSize: 65536 }),
    host("h3", { pipeMaxSize: 65536, criu: criuOf({ lazyPages: false }) }),
  ];
  expect(lacksOf(modes.postcopy, [plain, narrow])).toEqual([{ feature: "large pipes", hosts: ["h2"] }]);
  expect(lacksOf(modes.postcopy, [narrow, old])).toEqual([
    { feature: "userfaultfd", hosts: ["h3"] },
    { feature: "large pipes", hosts: ["h2", "h3"] },
  ]);
  expect(lacksOf(modes.cold, [plain, old])).toEqual([]);
});
