import { expect, test } from "vitest";
import { kept } from "./kept.ts";

test("an answer is kept for a minute, and those who ask at the same time share it", async () => {
  let now = 0;
  let asked = 0;
  const answer = kept(
    async () => ++asked,
    () => now,
  );
  expect(await Promise.all([answer(), answer()])).toEqual([1, 1]);
  now = 59_999;
  expect(await answer()).toBe(1);
  now = 60_000;
  expect(await answer()).toBe(2);
});

test("a question that fails is asked again", async () => {
  let asked = 0;
  const answer = kept(
    async () => {
      asked += 1;
      if (asked === 1) throw new Error("not now");
      return asked;
    },
    () => 0,
  );
  await expect(answer()).rejects.toThrow("not now");
  expect(await answer()).toBe(2);
});
