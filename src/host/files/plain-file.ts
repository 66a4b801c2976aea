import { constants } from "node:fs";
import { open } from "node:fs/promises";

/**
 * The text of a regular file in a folder that others may have changed. It follows no symbolic link, waits for no fifo, and refuses a
 * file of more than `limit` bytes.
 * @throws the system's error, such as ENOENT or ELOOP; Error where the file is not regular or too large
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
