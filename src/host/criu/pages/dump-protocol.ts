import { pageBytes, pageWordBytes } from "../../proc/page-size.ts";
import { pageFlags } from "./pagemap-image.ts";

const commands = { add: 1, hole: 2, open: 3, openAndAsk: 4, ask: 5, addFlagged: 6 } as const;
/** The last word on a connection of pages: a dump has sent all of them, or whoever fetches has them all. */
export const closeWord = 0x1023;
const forcedCloseWord = 0x1024;
const commandBits = 16;

/** One word of a dump to its page server. */
export type DumpWord =
  /** Pages of this memory follow; with `answer`, one byte says whether it was there in the round before. */
  | { word: "open"; memory: DumpedMemory; answer: boolean }
  /** Four bytes answer whether the memory was there in the round before. */
  | { word: "was-there"; memory: DumpedMemory }
  /** Pages, whose contents follow. `first` is a page's number: its address divided by `pageBytes`. */
  | { word: "pages"; first: number; count: number; lazy: boolean }
  /** Pages that are as they were in the round before. */
  | { word: "unchanged"; first: number; count: number }
  /** All was sent; four bytes of zero answer that all has arrived. */
  | { word: "close" };

/** Memory of a task, by its number within the container, or shared memory, by CRIU's number of it. */
export interface DumpedMemory {
  kind: "task" | "shared";
  id: string;
}

/** What a dump or pre-dump of CRIU says to a page server. The layout of its words changed with CRIU 4.2. */
export class DumpProtocol {
  readonly headerBytes: number;

  /** `version` such as `4.2.1`. */
  constructor(version: string) {
    this.headerBytes = pageWordBytes(version);
  }

  /** @throws Error where it is no word of a dump */
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
    throw new Error(`CRIU said ${whole.toString(16)}, which is no word of a dump`);
  }
}

function flagsOf(command: number, given: number): number {
  if (command === commands.add) return pageFlags.present;
  if (command === commands.hole) return pageFlags.parent;
  return command === commands.addFlagged ? given : 0;
}

function memoryOf(number: bigint): DumpedMemory {
  const kind = ({ 1: "task", 2: "shared" } as const)[Number(number & 0xffn)];
  if (!kind) throw new Error(`CRIU sends a kind of memory that is not known (${number & 0xffn})`);
  return { kind, id: String(number >> 8n) };
}
