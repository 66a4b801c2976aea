import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { filesStream, receiveFiles } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-files-"));
const from = join(folder, "from");
const sizes = { empty: 0, one: 1, "large.img": 2_400_001, "piece.img": 2 ** 20 };
const paths = Object.keys(sizes).map((name) => join(from, name));
beforeAll(() => {
  mkdirSync(from);
  for (const [name, size] of Object.entries(sizes))
    execFileSync("sh", ["-c", `head -c ${size} /dev/urandom >${join(from, name)}`]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const fresh = (name: string) => {
  const to = join(folder, name);
  mkdirSync(to);
  return to;
};

it("brings files as they are, and no others", async () => {
  const to = fresh("to");
  await receiveFiles(filesStream(paths), to);
  expect(execFileSync("diff", ["-r", from, to], { encoding: "utf8" })).toBe("");
});

it("has no file for an empty list", async () => {
  await receiveFiles(filesStream([]), fresh("none"));
});

it.each([0, 100, 264, 1_200_000, 2_400_000])("refuses a stream that ends after %d bytes", async (end) => {
  const all = await buffer(filesStream(paths));
  const received = receiveFiles(Readable.from([all.subarray(0, end)]), fresh(`cut-${end}`));
  await expect(received).rejects.toThrow("did not arrive whole");
});
