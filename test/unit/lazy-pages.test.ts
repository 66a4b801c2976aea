import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { enteredAt } from "../../src/host/criu/restore/lazy-pages.ts";
import { pageBytes } from "../../src/host/proc/page-size.ts";
import { isFullRun } from "../e2e/support/full-run.ts";
import { beginCase, original, pages, serviceFor, usePrograms } from "./support/lazy-pages.ts";

const programs = usePrograms();

test.concurrent.each(isFullRun ? [1, 2, 3, 4, 5, 6] : [1, 2, 3])(
  "every page arrives as it was, whatever the program does meanwhile (seed %d)",
  async (seed) => {
    const { work, first, begin, end, status } = await beginCase(programs, seed);
    await begin(["task 1", `run ${first} 1000`, `run ${first + 1000} ${pages - 1000}`]);
    const pace = () => sleep(seed % 3);
    await serviceFor(work, pace).serve(original);
    expect(await end).toBe("ok");
    expect(await status).toBe(0);
    expect(existsSync(join(work, "drained"))).toBe(true);
  },
);

test.concurrent("says when the program had the first pages that it waited for after its restore", async () => {
  const { work, first, begin, end, status } = await beginCase(programs, 11);
  const readAt: bigint[] = [];
  await begin(["task 1", `run ${first} ${pages}`]);
  await serviceFor(work, async () => {
    await sleep(3);
    readAt.push(process.hrtime.bigint());
  }).serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
  const entered = await enteredAt(work);
  // The first page was wanted while CRIU still restored.
  expect(entered).toBeGreaterThan(readAt[1] ?? 0n);
  expect(entered).toBeLessThan(process.hrtime.bigint());
});

test.concurrent("goes on over another connection, with what is missing still", async () => {
  const { work, first, begin, end, status } = await beginCase(programs, 7);
  await begin(["task 1", `run ${first} ${pages}`]);
  let socket: Socket | undefined;
  let connections = 0;
  let reads = 0;
  const pace = async () => {
    await sleep(2);
    reads += 1;
    if (reads % 20 === 0 && connections < 5) socket?.destroy();
  };
  const service = serviceFor(work, pace, (made) => {
    socket = made;
    connections += 1;
  });
  await service.serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
  expect(connections).toBe(5);
});

test.concurrent("pages of this host are read from files, at their place", async () => {
  const { work, first, begin, end, status } = await beginCase(programs, 8);
  const file = join(programs.folder, "pages-1.img");
  const image = Buffer.alloc((pages + 3) * pageBytes);
  original.read({ task: 1, first, count: pages }, image.subarray(3 * pageBytes));
  writeFileSync(file, image);
  const half = pages / 2;
  await begin([
    `file ${file}`,
    "task 1",
    `run ${first} ${half} 0 ${3 * pageBytes}`,
    `run ${first + half} ${half} 0 ${(3 + half) * pageBytes}`,
  ]);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
  expect(existsSync(join(work, "drained"))).toBe(true);
});

test.concurrent("comes to its end where its folder was removed meanwhile", async () => {
  const { work, first, begin, end, status } = await beginCase(programs, 12);
  await begin(["task 1", `run ${first} ${pages}`]);
  const service = serviceFor(work);
  rmSync(join(work, "draining"));
  await service.serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
});

test.concurrent("ends without a word where its orders do not come whole", async () => {
  const { work, end, status, begin, killPatient } = await beginCase(programs, 10);
  begin(["nonsense"]).catch(() => {});
  expect(await status).toBe(1);
  expect(readFileSync(join(work, "lazy-pages.log"), "utf8")).toContain("nonsense");
  killPatient();
  await end;
});
