import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { seal, sealRecord, verifySeal } from "./manifest.ts";

let folder = "";
const at = (...names: string[]) => join(folder, ...names);
const verify = () => verifySeal(folder, "Checkpoint 'cp' of 'web'");
/** A name that is not UTF-8, with a newline in it. */
const odd = Buffer.from("odd\xff\nname", "latin1");

const scratch = mkdtempSync(join(tmpdir(), "godwit-manifest-"));
/** A sealed checkpoint, which each test gets a copy of: to make one takes many processes. */
const sealed = join(scratch, "sealed");
beforeAll(async () => {
  folder = sealed;
  mkdirSync(at("images"), { recursive: true });
  mkdirSync(at("trees/0/empty"), { recursive: true });
  mkdirSync(at("work"));
  writeFileSync(at("record.json"), "{}");
  writeFileSync(at("images/pages-1.img"), Buffer.alloc(100_000, 7));
  writeFileSync(Buffer.concat([Buffer.from(at("trees/0/")), odd]), "content");
  symlinkSync("../../etc/hosts", at("trees/0/link"));
  execFileSync("mkfifo", [at("trees/0/fifo")]);
  execFileSync("mknod", [at("trees/0/device"), "c", "1", "3"]);
  writeFileSync(at("trees/0/file"), "file");
  linkSync(at("trees/0/file"), at("trees/0/twin"));
  await seal(folder);
});
beforeEach(() => {
  folder = join(scratch, "copy");
  execFileSync("cp", ["-a", sealed, folder]);
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => rmSync(scratch, { recursive: true }));

test("a checkpoint that nobody changed is intact, also with another log of CRIU", async () => {
  writeFileSync(at("work/restore.log"), "log");
  await verify();
});

test.each<[what: string, damage: () => void, says: string]>([
  [
    "a file cut short",
    () => truncateSync(at("images/pages-1.img"), 99_000),
    "images/pages-1.img has 99000 bytes, and had 100000",
  ],
  ["an empty file", () => truncateSync(at("images/pages-1.img"), 0), "images/pages-1.img has 0 bytes"],
  [
    "a changed byte",
    () => writeFileSync(at("images/pages-1.img"), Buffer.alloc(100_000, 7).fill(8, 50_000, 50_001)),
    "images/pages-1.img is not as it was written",
  ],
  ["a file that was removed", () => rmSync(at("images/pages-1.img")), "images/pages-1.img is missing"],
  ["a file that was added", () => writeFileSync(at("trees/0/new"), ""), "trees/0/new was added"],
  [
    "another target of a link",
    () => {
      rmSync(at("trees/0/link"));
      symlinkSync("/etc/passwd", at("trees/0/link"));
    },
    "trees/0/link is not as it was written",
  ],
  [
    "a folder in the place of a file",
    () => {
      rmSync(at("images/pages-1.img"));
      mkdirSync(at("images/pages-1.img"));
    },
    "images/pages-1.img has 0 bytes",
  ],
  [
    "a file with a name that is not UTF-8",
    () => writeFileSync(Buffer.concat([Buffer.from(at("trees/0/")), odd]), "CONTENT"),
    "trees/0/odd\uFFFD\\nname is not as it was written",
  ],
  [
    "a time without its nanoseconds, as tar writes it",
    () => utimesSync(at("trees/0/file"), 1_700_000_000, 1_700_000_000),
    "trees/0/file is not as it was written (its time)",
  ],
  [
    "a second name that became a file of its own",
    () => {
      execFileSync("cp", ["-p", at("trees/0/twin"), at("trees/0/copy")]);
      renameSync(at("trees/0/copy"), at("trees/0/twin"));
    },
    "trees/0/file is not as it was written (its other names)",
  ],
  [
    "another device",
    () => {
      rmSync(at("trees/0/device"));
      execFileSync("mknod", [at("trees/0/device"), "c", "1", "5"]);
    },
    "trees/0/device is not as it was written (its device)",
  ],
  ["another record", () => writeFileSync(at("record.json"), "[]"), "record.json is not as it was written"],
  ["a manifest that was removed", () => rmSync(at("manifest.json")), "its manifest is missing or cannot be read"],
  ["a manifest cut short", () => truncateSync(at("manifest.json"), 40), "its manifest is missing or cannot be read"],
])("%s is found, and named", async (_, damage, says) => {
  damage();
  await expect(verify()).rejects.toMatchObject({
    code: "invalid-checkpoint",
    message: expect.stringContaining(`Checkpoint 'cp' of 'web' is damaged: ${says}`),
  });
});

test("a record that godwit rewrites keeps the checkpoint intact, and hides no damage", async () => {
  writeFileSync(at("record.json"), '{"name":"other"}');
  await sealRecord(folder);
  await verify();
  truncateSync(at("images/pages-1.img"), 5);
  await expect(verify()).rejects.toThrow("pages-1.img");
});
