import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { beginCase, original, pages, serviceFor, usePrograms } from "./support/lazy-pages.ts";

// What a program does to its memory in the instant in which a page comes. One after another: some of them need both processors.
const programs = usePrograms();

test("a page arrives in memory that the program moves in that instant", async () => {
  const { work, first, begin, end, status } = await beginCase(programs, 13, { only: "moves" });
  // Each page is put in by a system call of its own.
  await begin(["task 1", ...Array.from({ length: pages }, (_, i) => `run ${first + i} 1`)]);
  await serviceFor(work).serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
});

test("locked memory can move and grow while other pages are missing", async () => {
  const { work, first, begin, end, status } = await beginCase(programs, 14, { only: "grows" });
  await begin(["task 1", `run ${first} ${pages}`]);
  await serviceFor(work, () => sleep(2)).serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
});

test("a thread may move memory to where another one has just moved some away", async () => {
  const { work, first, begin, end, status } = await beginCase(programs, 15, { only: "swaps" });
  await begin(["task 1", `run ${first} ${pages}`]);
  await serviceFor(work, () => sleep(5)).serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
});

test("children that have ended take no descriptors", async () => {
  const { work, first, begin, end, status, worker } = await beginCase(programs, 16, { only: "forks" });
  await begin(["task 1", `run ${first} ${pages}`]);
  const descriptors = `/proc/${worker()}/fd`;
  let most = 0;
  const pace = async () => {
    most = Math.max(most, readdirSync(descriptors).length);
    await sleep(10);
  };
  await serviceFor(work, pace).serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
  expect(most).toBeGreaterThan(10);
  expect(most).toBeLessThan(100);
});
