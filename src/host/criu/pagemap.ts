import { BinaryReader } from "@bufbuild/protobuf/wire";

/** Where the pages of a run are: in a parent's image, still with whom they were dumped from, in this image. */
export const pagemapFlags = { parent: 1, lazy: 2, present: 4 } as const;

export interface PagemapEntry {
  /** Of the first page, in bytes. */
  address: number;
  pages: number;
  flags: number;
}

const magicBytes = 8;

/**
 * CRIU's image of which pages a task has: after the magic a head and then the runs, each a protobuf message
 * (1 address, 2 and since CRIU 4.2 5 number of pages, 3 in a parent's image, 4 flags) behind its length in four bytes.
 */
export function readPagemap(image: Buffer): { entries: PagemapEntry[] } {
  const entries: PagemapEntry[] = [];
  let head = true;
  for (let at = magicBytes; at + 4 <= image.length; ) {
    const length = image.readUInt32LE(at);
    if (!head) entries.push(readEntry(image.subarray(at + 4, at + 4 + length)));
    head = false;
    at += 4 + length;
  }
  return { entries };
}

function readEntry(message: Buffer): PagemapEntry {
  const reader = new BinaryReader(message);
  const entry: PagemapEntry = { address: 0, pages: 0, flags: 0 };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) entry.address = Number(reader.uint64());
    else if (field === 2) entry.pages ||= reader.uint32();
    else if (field === 3) entry.flags |= reader.bool() ? pagemapFlags.parent : 0;
    else if (field === 4) entry.flags |= reader.uint32();
    else if (field === 5) entry.pages = Number(reader.uint64()) || entry.pages;
    else reader.skip(type);
  }
  return entry;
}
