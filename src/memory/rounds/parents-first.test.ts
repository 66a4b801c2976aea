import { expect, it } from "vitest";
import { parentsFirst } from "./parents-first.ts";

const process = (hostPid: number, parent: number, pid = hostPid - 100) => ({ hostPid, parent, pid });
const orderOf = (...processes: ReturnType<typeof process>[]) =>
  parentsFirst(processes).map(({ process, parent }) => [process.hostPid, parent?.hostPid]);

it("puts every process after its parent", () => {
  expect(orderOf(process(102, 103), process(103, 104), process(104, 1), process(105, 104))).toEqual([
    [104, undefined],
    [103, 104],
    [102, 103],
    [105, 104],
  ]);
});

it("has each process once where ids form a circle", () => {
  expect(orderOf(process(101, 102), process(102, 101)).map(([pid]) => pid)).toEqual([102, 101]);
});

it("knows no parents where two processes have one id in the container", () => {
  expect(orderOf(process(101, 1, 1), process(102, 101, 7), process(103, 102, 1))).toEqual([
    [101, undefined],
    [102, undefined],
    [103, undefined],
  ]);
});
