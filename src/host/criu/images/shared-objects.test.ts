import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { pagemapImage } from "../pages/pagemap-image.ts";
import { renameSharedImages } from "./shared-objects.ts";

const images = mkdtempSync(join(tmpdir(), "godwit-shared-"));
afterAll(() => rmSync(images, { recursive: true }));
const image = (inode: number, pages: number) =>
  writeFileSync(
    join(images, `pagemap-shmem-${inode}.img`),
    pagemapImage(1, pages ? [{ first: 0, count: pages, flags: 4 }] : []),
  );

test("only the images of objects that are listed, and that CRIU has left out, are hidden from CRIU", async () => {
  await renameSharedImages(images);
  for (const inode of [17, 18]) image(inode, 0);
  image(19, 2);
  // CRIU dumps no object that only a `docker exec` session had.
  writeFileSync(join(images, "shared-objects"), "1:17\n1:19\n1:20\n");
  await renameSharedImages(images);
  expect(readdirSync(images).sort()).toEqual([
    "pagemap-shmem-18.img",
    "pagemap-shmem-19.img",
    "shared-17.img",
    "shared-objects",
  ]);
});
