import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pageBytes } from "../../src/host/proc/page-size.ts";
import { encodeFrame, frameTypes, headerBytes, maxPages } from "../../src/memory/pages/frames.ts";

test("the agent and godwit-lazy-pages have the same protocol of pages", () => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-frames-"));
  try {
    const program = join(folder, "print-frames");
    const source = fileURLToPath(new URL("support/print-frames.c", import.meta.url));
    execFileSync("cc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
    const lines = execFileSync(program, { encoding: "utf8" }).trim().split("\n");
    const { page_bytes, most_pages, frame, ...words } = Object.fromEntries(lines.map((line) => line.split(" ")));
    expect(Number(page_bytes)).toBe(pageBytes);
    expect(Number(most_pages)).toBe(maxPages);
    expect(words).toEqual(Object.fromEntries(frameTypes.map((type, number) => [type, String(number)])));
    const run = { task: 0x0102030405, first: 0x1122334455, count: 3 };
    expect(frame).toBe(encodeFrame("missing", 0x0a0b0c0d0e, run).toString("hex"));
    expect(String(frame).length / 2).toBe(headerBytes);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
