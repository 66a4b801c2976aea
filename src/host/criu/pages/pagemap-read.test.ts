import { expect, it } from "vitest";
import { pagemapImage } from "./pagemap-image.ts";
import { readPagemap } from "./pagemap-read.ts";

it("reads back what was written, also addresses of more than 32 bits", () => {
  const entries = [
    { first: 16, count: 1, flags: 4 },
    { first: 34_116_903_947, count: 70_000, flags: 6 },
  ];
  expect(readPagemap(pagemapImage(7, entries))).toEqual({ pagesId: 7, entries });
});
