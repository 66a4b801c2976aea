import { expect, test } from "vitest";
import { sessionOf } from "./terminals.ts";

test("the session and the foreground job of a process whose name has spaces and brackets", () => {
  expect(sessionOf("812 (a ) b (c) S 800 812 800 34817 830 4194304 99 0 0 0")).toEqual({
    session: 800,
    foreground: 830,
  });
});
