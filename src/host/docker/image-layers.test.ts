import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { sharedLayers, withoutLayers } from "./image-layers.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-layers-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  [[], ["a"], 0],
  [["a", "b"], ["a", "b", "c"], 2],
  [["a", "b", "c"], ["a", "x", "c"], 1],
  [["b"], ["a", "b"], 0],
])("%j and %j have %d layers in common", (one, other, count) => {
  expect(sharedLayers(one, other)).toBe(count);
});

test("layers are left out of what docker save gives, and one that is not in it is told", async () => {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  for (const name of ["aa", "bb", "cc"]) writeFileSync(join(folder, "blobs/sha256", name), name.repeat(100_000));
  const file = join(folder, "saved.tar");
  execFileSync("tar", ["-C", folder, "-cf", file, "blobs"]);
  const left = await buffer(withoutLayers(createReadStream(file), ["sha256:aa", "sha256:cc"]));
  expect(execFileSync("tar", ["-t"], { input: left, encoding: "utf8" })).toBe(
    "blobs/\nblobs/sha256/\nblobs/sha256/bb\n",
  );
  expect(String(execFileSync("tar", ["-xO", "blobs/sha256/bb"], { input: left }))).toBe("bb".repeat(100_000));
  await expect(buffer(withoutLayers(createReadStream(file), ["sha256:dd"]))).rejects.toThrow("(tar: 2)");
});
