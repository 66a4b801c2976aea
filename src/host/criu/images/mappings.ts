import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { mm_entrySchema } from "../proto/generated/mm_pb.ts";
import type { vma_entry } from "../proto/generated/vma_pb.ts";
import { readImage } from "./images.ts";

/** The mappings of a dumped process, by rising address. @param task its id within the container */
export async function readMappings(images: string, task: string): Promise<vma_entry[]> {
  const [memory] = readImage(mm_entrySchema, await readFile(join(images, `mm-${task}.img`)));
  return memory?.vmas ?? [];
}
