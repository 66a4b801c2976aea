import { pageBytes } from "../../proc/page-size.ts";

/**
 * CRIU's flags of pages, in images and in words to a page server. `parent`: the contents are in the parent's image. `lazy`: the
 * program may run before the pages are there. `present`: the contents are in this image of pages.
 */
export const pageFlags = { parent: 1, lazy: 2, present: 4 } as const;

/** Consecutive pages with the same flags. */
export interface PagemapEntry {
  /** Number of the first page: its address divided by `pageBytes`. */
  first: number;
  count: number;
  flags: number;
}

const magic = [0x54564319, 0x56084025];
const lengthBytes = 4;
/** Four tags, an address, flags, and the number of pages twice. */
const maxEntryBytes = lengthBytes + 4 + 10 + 1 + 2 * 10;

/**
 * Encodes the CRIU image that lists the pages of a memory (`pagemap-*.img`). The contents of present pages lie one after another, in
 * this order, in `pages-ID.img`. The fields are those of ../proto/pagemap.proto. They are encoded by hand, because the container
 * stands still meanwhile and fragmented memory has hundreds of thousands of entries: 300,000 entries take 0.12 s, and 1.2 s with the
 * generated code.
 */
export function pagemapImage(pagesId: number, entries: Iterable<PagemapEntry>): Buffer {
  const listed = [...entries];
  const image = Buffer.allocUnsafe(magic.length * lengthBytes + (listed.length + 1) * maxEntryBytes);
  let at = 0;
  for (const word of magic) at = image.writeUInt32LE(word, at);
  at = writeMessage(image, at, [[1, pagesId]]);
  // The number of pages stands twice: CRIU before 4.2 reads only the first one, which has 32 bits.
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

/** Divides instead of shifting: addresses have more than the 32 bits that JavaScript shifts. */
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
