import { expect, test } from "vitest";
import { MemoryJournal } from "../../../../testing/memory-journal.ts";
import { learnSwitchover, switchoverCost } from "./switchover-cost.ts";

test("is a guess before the first switchover, and then the median of the last ten", () => {
  const journal = new MemoryJournal();
  expect(switchoverCost(journal)).toBe(250);
  learnSwitchover(journal, { downtimeMs: 500, sendingMs: 100 });
  expect(switchoverCost(journal)).toBe(400);
  for (const downtimeMs of [90, 100, 5000]) learnSwitchover(journal, { downtimeMs, sendingMs: 0 });
  expect(switchoverCost(journal)).toBe(400);
  for (let i = 0; i < 10; i += 1) learnSwitchover(journal, { downtimeMs: 120, sendingMs: 0 });
  expect(switchoverCost(journal)).toBe(120);
});

test("is not below zero, however wrong the estimate was", () => {
  const journal = new MemoryJournal();
  learnSwitchover(journal, { downtimeMs: 100, sendingMs: 300 });
  expect(switchoverCost(journal)).toBe(0);
});

test("what is no list of times is not believed", () => {
  const journal = new MemoryJournal();
  journal.putRecord("switchover-cost", "switchover-cost", ["long"]);
  expect(switchoverCost(journal)).toBe(250);
});
