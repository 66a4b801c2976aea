import { expect, test } from "vitest";
import { holders, isLostInProc } from "./unsupported.ts";

test.each([
  ["/proc/1/task/9/schedstat", true],
  ["/proc/1/task/9", true],
  ["/proc/7", true],
  ["/proc/9/stat", true],
  ["/proc/1/task/1/stat", false],
  ["/proc/1/task/1", false],
  ["/proc/7 (deleted)", false],
  ["/proc/1/task", false],
  ["/proc/7/stat", false],
  ["/proc/9/status (deleted)", false],
  ["/proc", false],
  ["/proc/meminfo", false],
  ["/proc/net/dev", false],
  ["/srv/proc/1/task/9/stat", false],
])("whether CRIU cannot open %s again: %s", (path, lost) => {
  expect(isLostInProc(path, new Set(["9"]))).toBe(lost);
});

test("what is open is named once, with its process", () => {
  const [loader, node] = [
    { pid: 7, command: "loader" },
    { pid: 12, command: "node" },
  ];
  expect(
    holders([
      ["a BPF map", loader],
      ["a BPF map", loader],
      ["an io_uring", node],
      ["a BPF map", node],
    ]),
  ).toEqual(["a BPF map (process 7, loader, and 1 other)", "an io_uring (process 12, node)"]);
});
