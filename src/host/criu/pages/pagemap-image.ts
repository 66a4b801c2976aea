import { pageBytes } from "../../proc/page-size.ts";

/**
 * Where pages are, as CRIU says it in images and to a page server alike: in the parent's image; not needed before the program
 * runs; in the image of pages itself.
 */
export const pageFlags = { parent: 1, lazy: 2, present: 4 } as const;

export interface PagemapEntry {
  /** Number of the first page. */
  first: number;
  count: number;
  flags: number;
}

const magic = [0x54564319, 0x56084025];
const lengthBytes = 4;
/** Four tags, an address, flags, and the number of pages twice. */
const maxEntryBytes = lengthBytes + 4 + 10 + 1 + 2 * 10;

/**
 * CRIU's image of which pages a memory has: protobuf messages of numbers, each behind its length. The contents of pages that
 * are present lie one behind the other, in this order, in `pages-ID.img`. The fields are those of ../proto/pagemap.proto. They are
 * written by hand, because memory in pieces has hundreds of thousands of entries and the container stands still meanwhile: 300,000
 * entries take 0.12 s so, and 1.2 s with the generated code.
 */
export function pagemapImage(pagesId: number, entries: Iterable<PagemapEntry>): Buffer {
  const listed = [...entries];
  const image = Buffer.allocUnsafe(magic.length * lengthBytes + (listed.length + 1) * maxEntryBytes);
  let at = 0;
  for (const word of magic) at = image.writeUInt32LE(word, at);
  at = writeMessage(image, at, [[1, pagesId]]);
  // The number of pages stands twice: CRIU before 4.2 reads only the first, where larger ones do not fit.
  for (const { first, count, flags } of listed)
    at = writeMessage(image, at, [
      [1, first * pageBytes],
      [2, count],
      [4, flags],
      [5, count],
    ]);
  return image.subarray(0, at);
}

function writeMessage(image: Buffer, at: number, fields: [number: number, value: number][]): number {
  let end = at + lengthBytes;
  for (const [number, value] of fields) {
    image[end] = number << 3;
    end = writeVarint(image, end + 1, value);
  }
  image.writeUInt32LE(end - at - lengthBytes, at);
  return end;
}

/** Addresses have more bits than the integers that JavaScript shifts. */
function writeVarint(image: Buffer, at: number, value: number): number {
  let left = value;
  let end = at;
  for (; left >= 0x80; end += 1) {
    image[end] = (left % 0x80) | 0x80;
    left = Math.floor(left / 0x80);
  }
  image[end] = left;
  return end + 1;
}
