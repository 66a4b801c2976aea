import { pageBytes, pageWordBytes } from "./page-size.ts";

/** Consecutive pages of one task: `first` is a page's number (address divided by `pageBytes`), `task` CRIU's id of the memory. */
export interface PageRun {
  task: number;
  first: number;
  count: number;
}

const getCommand = 7;
const addCommand = 6;
const closeCommands: [number, number] = [0x1023, 0x1024];
const commandBits = 16;
const presentFlag = 4;

/** Says that all is well. */
export const goodbyeAnswer = Buffer.alloc(4);

/**
 * The words of CRIU's page server in post-copy: whoever restores asks for a run of pages, whoever dumped answers with a header
 * and the pages, fewer than asked where it likes. Their layout changed with CRIU 4.2.
 */
export class PageProtocol {
  readonly headerBytes: number;

  /** `version` such as `4.2.1`. */
  constructor(version: string) {
    this.headerBytes = pageWordBytes(version);
  }

  question(run: PageRun): Buffer {
    return this.#encode(getCommand, run);
  }

  /** What goes before the pages of an answer. */
  answer(run: PageRun): Buffer {
    return this.#encode(addCommand | (presentFlag << commandBits), run);
  }

  /** The last word of whoever restores: every page is there. It is answered with `goodbyeAnswer`. */
  goodbye(): Buffer {
    return this.#encode(closeCommands[0], { task: 0, first: 0, count: 0 });
  }

  /** Undefined for the last word. @throws Error where it is no question */
  readQuestion(header: Buffer): PageRun | undefined {
    if (closeCommands.includes(header.readUInt32LE(0))) return undefined;
    return this.#read(header, getCommand);
  }

  /** @throws Error where it is no answer */
  readAnswer(header: Buffer): PageRun {
    return this.#read(header, addCommand);
  }

  #read(header: Buffer, expected: number): PageRun {
    const command = header.readUInt32LE(0) & ((1 << commandBits) - 1);
    if (command !== expected) throw new Error(`CRIU said ${command} where ${expected} was due`);
    const wide = this.headerBytes === 32;
    const count = wide ? Number(header.readBigUInt64LE(8)) : header.readUInt32LE(4);
    const at = wide ? 16 : 8;
    return {
      count,
      first: Number(header.readBigUInt64LE(at) / BigInt(pageBytes)),
      task: Number(header.readBigUInt64LE(at + 8)),
    };
  }

  #encode(command: number, { task, first, count }: PageRun): Buffer {
    const header = Buffer.alloc(this.headerBytes);
    header.writeUInt32LE(command, 0);
    const wide = this.headerBytes === 32;
    if (wide) header.writeBigUInt64LE(BigInt(count), 8);
    else header.writeUInt32LE(count, 4);
    const at = wide ? 16 : 8;
    header.writeBigUInt64LE(BigInt(first) * BigInt(pageBytes), at);
    header.writeBigUInt64LE(BigInt(task), at + 8);
    return header;
  }
}
