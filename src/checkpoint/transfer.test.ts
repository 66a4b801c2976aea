import { execFileSync } from "node:child_process";
import {
  createReadStream,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CheckpointRecord } from "../contract/checkpoint.ts";
import { seal } from "./manifest.ts";
import { CheckpointStore } from "./store.ts";
import { unpackCheckpoint } from "./transfer.ts";

let folder = "";
const at = (...parts: string[]) => join(folder, ...parts);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "godwit-transfer-"));
  for (const made of ["good/images", "good/trees/0/etc", "outside", "members"])
    mkdirSync(at(made), { recursive: true });
  writeFileSync(at("good/record.json"), JSON.stringify(record));
  writeFileSync(at("good/images/core-1.img"), "image");
  symlinkSync("/etc/hosts", at("good/trees/0/etc/link"));
  writeFileSync(at("good/trees/0/file"), "of the container");
  linkSync(at("good/trees/0/file"), at("good/trees/0/second-name"));
  await seal(at("good"));
  writeFileSync(at("outside/victim"), "as it was");
  writeFileSync(at("members/owned"), "owned");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const record: CheckpointRecord = {
  ...{
    name: "cp",
    container: "web",
    containerId: "c".repeat(64),
    image: "busybox",
    imageId: `sha256:${"0".repeat(64)}`,
  },
  ...{ createdAt: "2026-01-01T00:00:00.000Z", parent: null, origin: "godwit", criuVersion: "4.2.1" },
  ...{ architecture: "x86_64", memoryBytes: 1, filesBytes: 1, frozenMs: 1, processes: [{ pid: 1, command: "sh" }] },
  trees: [{ kind: "writable-layer", name: "web", destination: "/" }],
  inspect: {
    ...{ Id: "c".repeat(64), Name: "/web", Config: { Image: "busybox" }, HostConfig: {} },
    NetworkSettings: { Networks: {} },
  },
};

async function receive(archive: Readable) {
  const store = new CheckpointStore(at("store"));
  return unpackCheckpoint(store, "web", "cp", archive, async () => ({ keep: true, value: "kept" }));
}

/** The good archive, and behind it what `tar` is told to add. */
function sent(...added: string[][]) {
  execFileSync("tar", ["-C", at("good"), "-cf", at("sent.tar"), "."]);
  for (const args of added) execFileSync("tar", ["-C", at("members"), "-P", "-rf", at("sent.tar"), ...args]);
  return createReadStream(at("sent.tar"));
}
const named = (name: string) => [`--transform=s,^owned$,${name},`, "owned"];

function expectNothingDone(): void {
  expect(readdirSync(at("outside"))).toEqual(["victim"]);
  expect(execFileSync("cat", [at("outside/victim")], { encoding: "utf8" })).toBe("as it was");
  expect(statSync(at("outside/victim")).nlink).toBe(1);
  expect(readdirSync(at("store/web"))).toEqual([]);
}

test("a checkpoint arrives with the links of its container", async () => {
  expect(await receive(sent())).toBe("kept");
  expect(readdirSync(at("store/web/cp/trees/0")).sort()).toEqual(["etc", "file", "second-name"]);
  expect(statSync(at("store/web/cp/trees/0/file")).nlink).toBe(2);
});

const link = (name: string, target: string) => {
  rmSync(at("members", name), { recursive: true, force: true });
  symlinkSync(target, at("members", name));
};
const hostile: [what: string, archive: () => Readable][] = [
  ["a name with ..", () => sent(named(`../../../../../../../..${at("outside/new")}`))],
  ["an absolute name", () => sent(named(at("outside/new")))],
  [
    "a file below a link that leads outside",
    () => {
      link("lnk", at("outside"));
      return sent(["lnk"], named("lnk/new"));
    },
  ],
  [
    "a hard link to a file outside",
    () => {
      linkSync(at("members/owned"), at("members/second"));
      return sent(["--transform=flags=h;s,^owned$,../../../../../../../../etc/hostname,", "owned", "second"]);
    },
  ],
  [
    "a record that is a link",
    () => {
      rmSync(at("good/record.json"));
      symlinkSync(at("outside/victim"), at("good/record.json"));
      return sent();
    },
  ],
  [
    "a record that another name is a way to",
    () => {
      linkSync(at("good/record.json"), at("good/trees/0/record"));
      return sent();
    },
  ],
  [
    "a record that is a fifo",
    () => {
      rmSync(at("good/record.json"));
      execFileSync("mkfifo", [at("good/record.json")]);
      return sent();
    },
  ],
  [
    "images that are a link to a folder outside",
    () => {
      rmSync(at("good/images"), { recursive: true });
      symlinkSync(at("outside"), at("good/images"));
      return sent(named("images/new"));
    },
  ],
  [
    "an image that is a link",
    () => {
      symlinkSync(at("outside/victim"), at("good/images/pages-1.img"));
      return sent();
    },
  ],
  [
    "a tree that is a link",
    () => {
      symlinkSync(at("outside"), at("good/trees/1"));
      return sent();
    },
  ],
];

test.each(hostile)(
  "%s: the checkpoint is refused in a sentence, and nothing outside is touched",
  async (_, archive) => {
    const refused = await receive(archive()).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      code: "invalid-checkpoint",
      message: expect.stringMatching(/^The checkpoint .*\.$/),
    });
    expectNothingDone();
  },
);

test("what tar cannot read is refused", async () => {
  writeFileSync(at("noise"), Buffer.alloc(5000, "noise"));
  await expect(receive(createReadStream(at("noise")))).rejects.toMatchObject({ code: "invalid-checkpoint" });
  expectNothingDone();
});
