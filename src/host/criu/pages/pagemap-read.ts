import { BinaryReader } from "@bufbuild/protobuf/wire";
import { pageBytes } from "../../proc/page-size.ts";
import { type PagemapEntry, pageFlags } from "./pagemap-image.ts";

const magicBytes = 8;
const lengthBytes = 4;

/** One of CRIU's images of which pages a memory has; see `pagemapImage`. The contents are in `pages-ID.img`. */
export function readPagemap(image: Buffer): { pagesId: number; entries: PagemapEntry[] } {
  const entries: PagemapEntry[] = [];
  let pagesId = 0;
  for (let at = magicBytes; at + lengthBytes <= image.length; ) {
    const from = at + lengthBytes;
    const to = from + image.readUInt32LE(at);
    const message = image.subarray(from, to);
    if (at === magicBytes) pagesId = readHead(message);
    else entries.push(readEntry(message));
    at = to;
  }
  return { pagesId, entries };
}

function readHead(message: Buffer): number {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) return reader.uint32();
    reader.skip(type);
  }
  return 0;
}

function readEntry(message: Buffer): PagemapEntry {
  const reader = new BinaryReader(message);
  const entry: PagemapEntry = { first: 0, count: 0, flags: 0 };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) entry.first = Number(BigInt(reader.uint64()) / BigInt(pageBytes));
    else if (field === 2) entry.count ||= reader.uint32();
    else if (field === 3) entry.flags |= reader.bool() ? pageFlags.parent : 0;
    else if (field === 4) entry.flags |= reader.uint32();
    else if (field === 5) entry.count = Number(reader.uint64()) || entry.count;
    else reader.skip(type);
  }
  return entry;
}
