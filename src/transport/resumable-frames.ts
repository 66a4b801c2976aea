/**
 * What two ends of a resumable stream say to each other: a type, a length, and so many bytes.
 * `data` and `end` are numbered by what came before them; `ack` tells how much has arrived.
 */
export const frameType = { data: 1, ack: 2, end: 3, ping: 4, abort: 5 } as const;
const headerBytes = 5;
/** A payload is at most so long. */
export const longestFrame = 2 ** 20;

export interface Frame {
  type: number;
  payload: Buffer;
}

export function encodeHeader(type: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(length, 1);
  return header;
}

export function encodeAck(received: number): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + 8);
  encodeHeader(frameType.ack, 8).copy(frame);
  frame.writeBigUInt64BE(BigInt(received), headerBytes);
  return frame;
}

export function decodeAck(payload: Buffer): number {
  return Number(payload.readBigUInt64BE(0));
}

/** Cuts arriving bytes into frames. Large payloads are handed on in pieces, as they arrive. */
export class FrameReader {
  #header = Buffer.alloc(0);
  #type = 0;
  #left = 0;
  #gathered: Buffer[] = [];

  /** @throws Error where the bytes are no frames */
  *read(chunk: Buffer): Generator<Frame> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const wanted = headerBytes - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (this.#header.length < headerBytes) return;
        this.#type = this.#header.readUInt8(0);
        this.#left = this.#header.readUInt32BE(1);
        this.#header = Buffer.alloc(0);
        if (this.#left > longestFrame) throw new Error("the other side does not speak in frames");
        if (this.#left === 0) yield { type: this.#type, payload: Buffer.alloc(0) };
        continue;
      }
      const part = rest.subarray(0, this.#left);
      rest = rest.subarray(part.length);
      this.#left -= part.length;
      if (this.#type === frameType.data) {
        yield { type: this.#type, payload: part };
        continue;
      }
      this.#gathered.push(part);
      if (this.#left > 0) continue;
      yield { type: this.#type, payload: Buffer.concat(this.#gathered) };
      this.#gathered = [];
    }
  }
}
