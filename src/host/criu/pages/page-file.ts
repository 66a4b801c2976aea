import { writevSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";

/** Larger pieces are written beside the event loop; smaller ones cost less than handing them over. */
const smallBytes = 64 * 1024;

/** A file that is written at many places, so that nothing but memory may be under it: most of it is a hole. */
export class PageFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #closed = false;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<PageFile> {
    return new PageFile(path, await open(path, "wx", 0o600));
  }

  /** @throws the system's error, ENOSPC among them */
  async write(buffers: readonly Buffer[], bytes: number, position: number): Promise<void> {
    const written =
      bytes < smallBytes
        ? writevSync(this.#handle.fd, buffers, position)
        : (await this.#handle.writev(buffers, position)).bytesWritten;
    if (written === bytes) return;
    // A full disk takes a part, and says why with the rest.
    const rest = Buffer.concat(buffers).subarray(written);
    await this.write([rest], rest.length, position + written);
  }

  /** Nothing more is written; what was, stays. */
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
