import { expect, test } from "vitest";
import { below } from "./exec-sessions.ts";

const process = (hostPid: number, parent: number) => ({ hostPid, parent });

test("a session is its first process and all descendants, in any order of the list", () => {
  const first = process(10, 1);
  const worker = process(11, 10);
  const shell = process(20, 1);
  const psql = process(21, 20);
  const pager = process(19, 21);
  // Its parent has just ended, so nothing shows whether it belongs to a session.
  const unknown = process(30, 29);
  expect(below([first, worker, pager, shell, psql, unknown], [20])).toEqual([pager, shell, psql]);
  expect(below([first, worker, unknown], [])).toEqual([]);
});
