import { fromBinary } from "@bufbuild/protobuf";
import { pageBytes } from "../../proc/page-size.ts";
import { messagesIn } from "../images/images.ts";
import { pagemap_entrySchema, pagemap_headSchema } from "../proto/generated/pagemap_pb.ts";
import { type PagemapEntry, pageFlags } from "./pagemap-image.ts";

/** Decodes a CRIU image that lists the pages of a memory; see `pagemapImage`. The contents are in `pages-ID.img`. */
export function readPagemap(image: Buffer): { pagesId: number; entries: PagemapEntry[] } {
  const [head, ...entries] = messagesIn(image);
  const pagesId = head ? fromBinary(pagemap_headSchema, head).pagesId : 0;
  return { pagesId, entries: entries.map(readEntry) };
}

/** CRIU before 4.2 writes no `nr_pages`, and CRIU before 3.5 no `flags`. */
function readEntry(encoded: Buffer): PagemapEntry {
  const { vaddr, compatNrPages, nrPages, inParent, flags } = fromBinary(pagemap_entrySchema, encoded);
  return {
    // An address may have more than 53 bits. Its last 12 bits are zero, so that the number is exact.
    first: Number(vaddr) / pageBytes,
    count: Number(nrPages) || compatNrPages,
    flags: flags | (inParent ? pageFlags.parent : 0),
  };
}
