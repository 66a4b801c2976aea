import { type Duplex, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pageBytes } from "../../proc/page-size.ts";
import type { DumpedMemory, DumpProtocol, DumpWord } from "./dump-protocol.ts";

/** About how many bytes may have arrived without being written. */
const bufferedBytes = 4 * 2 ** 20;

/** Takes the memory of a round. Calls come in the order of the dump. */
export interface RoundTarget {
  /** Whether the round before had this memory. */
  wasThere(memory: DumpedMemory): boolean;
  /** Later calls are about this memory. */
  open(memory: DumpedMemory): Promise<void>;
  /** Pages of the memory that was opened last. Their contents come with `write`. */
  pages(first: number, count: number, lazy: boolean): void;
  /** Pages that have not changed since the round before. @throws Error where that round lacks one of them */
  unchanged(first: number, count: number): void;
  /** The next `bytes` bytes of the pages, at this address of the memory that was opened last. */
  write(buffers: readonly Buffer[], bytes: number, address: number): Promise<void>;
  /** Everything has arrived and is written. */
  end(): void;
}

/**
 * Receives everything that one dump or pre-dump sends. The dump gets its last answer only after everything is written.
 * @throws Error where the stream ends too early, and errors of the target; the stream is destroyed then
 */
export async function receiveRound(stream: Duplex, protocol: DumpProtocol, target: RoundTarget): Promise<void> {
  const reader = new RoundReader(protocol, target, (answer) => stream.write(answer));
  const ended = pipeline(stream, reader).then(() => {
    if (!reader.isReceived) throw new Error("the pages of the container ended too early");
  });
  try {
    await Promise.race([reader.received, ended]);
  } catch (error) {
    stream.destroy();
    throw error;
  }
  // CRIU ends after this answer. From here on an error of the connection does not matter.
  ended.catch(() => {});
  stream.end();
}

class RoundReader extends Writable {
  isReceived = false;
  readonly #received = Promise.withResolvers<void>();
  readonly #protocol: DumpProtocol;
  readonly #target: RoundTarget;
  readonly #answer: (bytes: Buffer) => void;
  readonly #header: Buffer;
  #headerLeft: number;
  /** Bytes of the current pages that are still to come. */
  #left = 0;
  #address = 0;
  #pending: { buffers: Buffer[]; bytes: number; address: number } = { buffers: [], bytes: 0, address: 0 };

  constructor(protocol: DumpProtocol, target: RoundTarget, answer: (bytes: Buffer) => void) {
    super({ highWaterMark: bufferedBytes });
    this.#protocol = protocol;
    this.#target = target;
    this.#answer = answer;
    this.#headerLeft = protocol.headerBytes;
    this.#header = Buffer.alloc(protocol.headerBytes);
  }

  /** Settles when everything has arrived and is written. */
  get received(): Promise<void> {
    return this.#received.promise;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#read([chunk]).then(() => done(), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#read(chunks.map(({ chunk }) => chunk)).then(() => done(), done);
  }

  async #read(chunks: Buffer[]): Promise<void> {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        if (this.#left > 0) {
          const bytes = Math.min(this.#left, chunk.length - at);
          await this.#keep(chunk.subarray(at, at + bytes));
          at += bytes;
          continue;
        }
        const bytes = Math.min(this.#headerLeft, chunk.length - at);
        chunk.copy(this.#header, this.#header.length - this.#headerLeft, at, at + bytes);
        this.#headerLeft -= bytes;
        at += bytes;
        if (this.#headerLeft > 0) continue;
        this.#headerLeft = this.#header.length;
        await this.#onMessage(this.#protocol.read(this.#header));
      }
    }
    await this.#flush();
  }

  async #onMessage(word: DumpWord): Promise<void> {
    if (word.word === "pages") {
      this.#target.pages(word.first, word.count, word.lazy);
      this.#left = word.count * pageBytes;
      this.#address = word.first * pageBytes;
      return;
    }
    if (word.word === "unchanged") return this.#target.unchanged(word.first, word.count);
    await this.#flush();
    if (word.word === "was-there") this.#say(4, this.#target.wasThere(word.memory));
    else if (word.word === "open") {
      const wasThere = this.#target.wasThere(word.memory);
      await this.#target.open(word.memory);
      if (word.answer) this.#say(1, wasThere);
    } else {
      this.#target.end();
      this.isReceived = true;
      this.#say(4, false);
      this.#received.resolve();
    }
  }

  #say(bytes: number, yes: boolean): void {
    const answer = Buffer.alloc(bytes);
    if (yes) answer[0] = 1;
    this.#answer(answer);
  }

  /** Collects bytes at consecutive addresses, to write them together. */
  async #keep(bytes: Buffer): Promise<void> {
    const { bytes: before, address } = this.#pending;
    if (before > 0 && address + before !== this.#address) await this.#flush();
    if (this.#pending.bytes === 0) this.#pending.address = this.#address;
    this.#pending.buffers.push(bytes);
    this.#pending.bytes += bytes.length;
    this.#address += bytes.length;
    this.#left -= bytes.length;
  }

  async #flush(): Promise<void> {
    const { buffers, bytes, address } = this.#pending;
    if (bytes === 0) return;
    this.#pending = { buffers: [], bytes: 0, address: 0 };
    await this.#target.write(buffers, bytes, address);
  }
}
