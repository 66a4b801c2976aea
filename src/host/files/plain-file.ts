import { constants } from "node:fs";
import { open } from "node:fs/promises";

/**
 * The text of a regular file in a folder that others may have changed: no link is followed, no fifo waited for, and nothing beyond
 * `limit` bytes is read.
 * @throws ENOENT and the like; an Error that says what else it is
 */
export async function readPlainFile(path: string, limit: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`${path} is not a regular file`);
    if (found.size > limit) throw new Error(`${path} has ${found.size} bytes, more than ${limit}`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
