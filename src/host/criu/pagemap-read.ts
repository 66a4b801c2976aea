import { BinaryReader } from "@bufbuild/protobuf/wire";
import { pageBytes } from "./page-size.ts";
import { type PagemapEntry, pageFlags } from "./pagemap-image.ts";

const magicBytes = 8;
const lengthBytes = 4;

/** The entries of one of CRIU's images of which pages a memory has; see `pagemapImage`. */
export function readPagemap(image: Buffer): PagemapEntry[] {
  const entries: PagemapEntry[] = [];
  for (let at = magicBytes; at + lengthBytes <= image.length; ) {
    const from = at + lengthBytes;
    const to = from + image.readUInt32LE(at);
    // The first message is the head.
    if (at > magicBytes) entries.push(readEntry(image.subarray(from, to)));
    at = to;
  }
  return entries;
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
