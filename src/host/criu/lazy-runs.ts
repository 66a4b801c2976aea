import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PageRun } from "./page-protocol.ts";
import { pageFlags } from "./pagemap-image.ts";
import { readPagemap } from "./pagemap-read.ts";

/** The memory that a lazy dump left in the container, task by task in rising order, from the images of that dump. */
export async function lazyRuns(images: string): Promise<PageRun[]> {
  const tasks = (await readdir(images)).flatMap((name) => /^pagemap-(\d+)\.img$/.exec(name)?.[1] ?? []).map(Number);
  const runs = await Promise.all(
    tasks
      .sort((a, b) => a - b)
      .map(async (task) =>
        readPagemap(await readFile(join(images, `pagemap-${task}.img`)))
          .filter(({ flags }) => flags & pageFlags.lazy)
          .map(({ first, count }) => ({ task, first, count })),
      ),
  );
  return runs.flat();
}
