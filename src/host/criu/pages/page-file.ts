import { writevSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";

/** Smaller pieces are written synchronously: a write in Node's thread pool costs more than the write itself. */
const smallBytes = 64 * 1024;

/** A sparse file that is written at scattered places. It must lie in memory (tmpfs); on a disk such writes are slow. */
export class PageFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #closed = false;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Makes the file. @throws the system's error, such as EEXIST */
  static async create(path: string): Promise<PageFile> {
    return new PageFile(path, await open(path, "wx", 0o600));
  }

  /** Writes the buffers, of `bytes` bytes in all, at an offset in bytes. @throws the system's error, such as ENOSPC */
  async write(buffers: readonly Buffer[], bytes: number, position: number): Promise<void> {
    const written =
      bytes < smallBytes
        ? writevSync(this.#handle.fd, buffers, position)
        : (await this.#handle.writev(buffers, position)).bytesWritten;
    if (written === bytes) return;
    // A full disk may take a part of the bytes. The write of the rest then throws the error.
    const rest = Buffer.concat(buffers).subarray(written);
    await this.write([rest], rest.length, position + written);
  }

  /** Closes the file, which stays. Nothing can be written any more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }
}
