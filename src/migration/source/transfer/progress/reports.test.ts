import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Progress } from "../../../../contract/operations.ts";
import { ProgressMeter } from "./progress.ts";
import { ProgressReports } from "./reports.ts";

test("reports while something is sent, and at its end that nothing remains", async () => {
  const counter = { sent: 1000, saved: 50 };
  const seen: Progress[] = [];
  const reports = new ProgressReports(
    new ProgressMeter(performance.now()),
    { progress: (one) => seen.push(one) },
    counter,
  );
  const done = await reports.during({ phase: "sync", total: 500 }, async () => {
    counter.sent += 80;
    counter.saved += 120;
    while (seen.length < 3) await sleep(10);
    counter.sent += 100;
    return "done";
  });
  expect(done).toBe("done");
  expect(seen[0]).toMatchObject({ phase: "sync", iteration: 1, bytesTotal: 500, bytesTransferred: 0 });
  expect(seen[1]).toMatchObject({ bytesTransferred: 200, bytesRemaining: 300 });
  expect(seen.at(-1)).toMatchObject({ bytesTotal: 300, bytesTransferred: 300, bytesRemaining: 0, remaining: 0 });
});

test("what fails has no last report that all is there", async () => {
  const seen: Progress[] = [];
  const reports = new ProgressReports(new ProgressMeter(0), { progress: (one) => seen.push(one) }, { sent: 0 });
  const broken = reports.during({ phase: "sync", total: 500 }, () => Promise.reject(new Error("broken")));
  await expect(broken).rejects.toThrow("broken");
  expect(seen.map(({ bytesRemaining }) => bytesRemaining)).toEqual([500]);
});
