import { pageBytes, pageWordBytes } from "../../proc/page-size.ts";
import { pageFlags } from "./pagemap-image.ts";

const commands = { add: 1, hole: 2, open: 3, openAndAsk: 4, ask: 5, addFlagged: 6 } as const;
/** Ends a connection of pages. A dump sends it after its last page; a reader sends it when it has all pages. */
export const closeWord = 0x1023;
const forcedCloseWord = 0x1024;
const commandBits = 16;

/** A message of a dump to its page server. CRIU's messages are called words here. */
export type DumpWord =
  /** Pages of this memory follow. With `answer`, the server answers with one byte: whether the round before had this memory. */
  | { word: "open"; memory: DumpedMemory; answer: boolean }
  /** The server answers with four bytes: whether the round before had this memory. */
  | { word: "was-there"; memory: DumpedMemory }
  /** Pages. Their contents follow the word. `first` is the number of a page: its address divided by `pageBytes`. */
  | { word: "pages"; first: number; count: number; lazy: boolean }
  /** Pages that have not changed since the round before. */
  | { word: "unchanged"; first: number; count: number }
  /** Everything is sent. The server answers with four zero bytes when everything has arrived. */
  | { word: "close" };

/** The memory of a task, by its process id within the container, or a shared memory, by CRIU's id of it. */
export interface DumpedMemory {
  kind: "task" | "shared";
  id: string;
}

/** Decodes what a dump or pre-dump of CRIU sends to a page server. The layout of the words changed with CRIU 4.2. */
export class DumpProtocol {
  readonly headerBytes: number;

  /** `version` is such as `4.2.1`. */
  constructor(version: string) {
    this.headerBytes = pageWordBytes(version);
  }

  /** Decodes a word of `headerBytes` bytes. @throws Error where it is no word of a dump */
  read(header: Buffer): DumpWord {
    const whole = header.readUInt32LE(0);
    if (whole === closeWord || whole === forcedCloseWord) return { word: "close" };
    const wide = this.headerBytes === 32;
    const command = whole & ((1 << commandBits) - 1);
    const memory = () => memoryOf(header.readBigUInt64LE(wide ? 24 : 16));
    if (command === commands.open) return { word: "open", memory: memory(), answer: false };
    if (command === commands.openAndAsk) return { word: "open", memory: memory(), answer: true };
    if (command === commands.ask) return { word: "was-there", memory: memory() };
    const count = wide ? Number(header.readBigUInt64LE(8)) : header.readUInt32LE(4);
    const first = Number(header.readBigUInt64LE(wide ? 16 : 8) / BigInt(pageBytes));
    const said = flagsOf(command, whole >>> commandBits);
    if (said & pageFlags.present) return { word: "pages", first, count, lazy: Boolean(said & pageFlags.lazy) };
    if (said & pageFlags.parent) return { word: "unchanged", first, count };
    throw new Error(`CRIU sent ${whole.toString(16)}, which is no word of a dump`);
  }
}

function flagsOf(command: number, given: number): number {
  if (command === commands.add) return pageFlags.present;
  if (command === commands.hole) return pageFlags.parent;
  return command === commands.addFlagged ? given : 0;
}

function memoryOf(number: bigint): DumpedMemory {
  const kind = ({ 1: "task", 2: "shared" } as const)[Number(number & 0xffn)];
  if (!kind) throw new Error(`CRIU sent an unknown kind of memory (${number & 0xffn})`);
  return { kind, id: String(number >> 8n) };
}
