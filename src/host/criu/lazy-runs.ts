import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type PageRun, pageBytes } from "./page-protocol.ts";
import { pagemapFlags, readPagemap } from "./pagemap.ts";

/** The memory that a lazy dump left in the container, task by task in rising order, from the images of that dump. */
export async function lazyRuns(images: string): Promise<PageRun[]> {
  const tasks = (await readdir(images)).flatMap((name) => /^pagemap-(\d+)\.img$/.exec(name)?.[1] ?? []).map(Number);
  const runs = await Promise.all(
    tasks
      .sort((a, b) => a - b)
      .map(async (task) =>
        readPagemap(await readFile(join(images, `pagemap-${task}.img`)))
          .entries.filter(({ flags }) => flags & pagemapFlags.lazy)
          .map(({ address, pages }) => ({ task, first: address / pageBytes, count: pages })),
      ),
  );
  return runs.flat();
}
