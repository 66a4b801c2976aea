import { fromBinary } from "@bufbuild/protobuf";
import { pageBytes } from "../../proc/page-size.ts";
import { messagesIn } from "../images/images.ts";
import { pagemap_entrySchema, pagemap_headSchema } from "../proto/generated/pagemap_pb.ts";
import { type PagemapEntry, pageFlags } from "./pagemap-image.ts";

/** One of CRIU's images of which pages a memory has; see `pagemapImage`. The contents are in `pages-ID.img`. */
export function readPagemap(image: Buffer): { pagesId: number; entries: PagemapEntry[] } {
  const [head, ...entries] = messagesIn(image);
  const pagesId = head ? fromBinary(pagemap_headSchema, head).pagesId : 0;
  return { pagesId, entries: entries.map(readEntry) };
}

/** CRIU before 4.2 writes no `nr_pages`, and CRIU before 3.5 no `flags`. */
function readEntry(encoded: Buffer): PagemapEntry {
  const { vaddr, compatNrPages, nrPages, inParent, flags } = fromBinary(pagemap_entrySchema, encoded);
  return {
    // An address may need more than the 53 bits of a number; its last 12 are zero, so that it is exact all the same.
    first: Number(vaddr) / pageBytes,
    count: Number(nrPages) || compatNrPages,
    flags: flags | (inParent ? pageFlags.parent : 0),
  };
}
