import { Duplex } from "node:stream";

export const pageBytes = 4096;
/** Flags of a run of pages. */
export const [parent, lazy, present] = [1, 2, 4];

/** A connection that says all this, in pieces, and then ends. */
export function wire(said: Buffer, piece = 1000): { stream: Duplex; answers: Buffer[] } {
  const answers: Buffer[] = [];
  let at = 0;
  const stream = new Duplex({
    read() {
      this.push(at < said.length ? said.subarray(at, at + piece) : null);
      at += piece;
    },
    write(chunk, _encoding, done) {
      answers.push(chunk);
      done();
    },
  });
  stream.on("error", () => {});
  return { stream, answers };
}

export function word(command: number, id: bigint, first: number, count: number): Buffer {
  const header = Buffer.alloc(32);
  header.writeUInt32LE(command, 0);
  header.writeBigUInt64LE(BigInt(count), 8);
  header.writeBigUInt64LE(BigInt(first * pageBytes), 16);
  header.writeBigUInt64LE(id, 24);
  return header;
}

const idOf = (pid: number) => (BigInt(pid) << 8n) | 1n;
export const open2 = (pid: number) => word(4, idOf(pid), 0, 0);
export const ask = (pid: number) => word(5, idOf(pid), 0, 0);
export const close = () => word(0x1023, 0n, 0, 0);
export const page = (text: string) => Buffer.alloc(pageBytes, `${text}\n`);

/** Pages with these texts, or so many without contents. */
export function add(pid: number, first: number, pages: string[] | number, flags: number): Buffer {
  const count = typeof pages === "number" ? pages : pages.length;
  const header = word(6 | (flags << 16), idOf(pid), first, count);
  return Buffer.concat([header, ...(typeof pages === "number" ? [] : pages.map(page))]);
}
