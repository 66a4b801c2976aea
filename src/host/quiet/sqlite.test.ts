import { expect, test } from "vitest";
import { sqliteLocks } from "./sqlite.ts";

test("of all locks, those are SQLite's that are of its bytes and of these processes", () => {
  const text = `1: POSIX  ADVISORY  READ 70 00:34:8 1073741826 1073742335
2: POSIX  ADVISORY  READ 70 00:34:9 128 128
3: POSIX  ADVISORY  WRITE 71 00:34:9 120 120
3: -> POSIX  ADVISORY  WRITE 70 00:34:9 120 120
4: FLOCK  ADVISORY  WRITE 70 00:34:8 0 EOF
5: POSIX  ADVISORY  WRITE 70 00:34:7 0 EOF
6: POSIX  ADVISORY  WRITE 99 00:34:8 1073741825 1073741825
7: OFDLCK ADVISORY  WRITE 70 00:34:7 120 120
`;
  expect(sqliteLocks(text, new Set([70, 71]))).toEqual([
    { hostPid: 70, file: "00:34:8", isWrite: false, isOfDatabase: true },
    { hostPid: 70, file: "00:34:9", isWrite: false, isOfDatabase: false },
    { hostPid: 71, file: "00:34:9", isWrite: true, isOfDatabase: false },
  ]);
});
