import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { seal } from "./manifest.ts";
import { CheckpointStore } from "./store.ts";
import { unpackCheckpoint } from "./transfer.ts";

let folder = "";
const at = (...parts: string[]) => join(folder, ...parts);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "godwit-transfer-"));
  for (const made of ["good/images", "good/trees/0/etc", "outside"]) mkdirSync(at(made), { recursive: true });
  writeFileSync(at("good/record.json"), JSON.stringify(record));
  writeFileSync(at("good/images/core-1.img"), "image");
  symlinkSync("/etc/hosts", at("good/trees/0/etc/link"));
  writeFileSync(at("good/trees/0/file"), "of the container");
  linkSync(at("good/trees/0/file"), at("good/trees/0/second-name"));
  await seal(at("good"));
  writeFileSync(at("outside/victim"), "as it was");
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
    imageLayers: [],
    imageId: `sha256:${"0".repeat(64)}`,
  },
  ...{ createdAt: "2026-01-01T00:00:00.000Z", parent: null, origin: "godwit", criuVersion: "4.2.1" },
  ...{
    architecture: "x86_64",
    memoryBytes: 1,
    filesBytes: 1,
    frozenMs: 1,
    frozenBytes: null,
    processes: [{ pid: 1, command: "sh" }],
  },
  trees: [{ kind: "writable-layer", name: "web", destination: "/" }],
  inspect: {
    ...{ Id: "c".repeat(64), Name: "/web", Config: { Image: "busybox" }, HostConfig: {} },
    NetworkSettings: { Networks: {} },
  },
};

/** Sends the folder by rsync, as another host does. */
async function receive(): Promise<string> {
  const store = new CheckpointStore(at("store"));
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connected = once(server, "connection") as Promise<[Socket]>;
  const sending = execFile("rsync", ["-aH", "--specials", `${at("good")}/`, `rsync://127.0.0.1:${port}/tree/`]);
  try {
    const [socket] = await connected;
    return await unpackCheckpoint(store, "web", "cp", socket, async () => ({ keep: true, value: "kept" }));
  } finally {
    sending.kill();
    server.close();
  }
}

function expectNothingDone(): void {
  expect(readdirSync(at("outside"))).toEqual(["victim"]);
  expect(execFileSync("cat", [at("outside/victim")], { encoding: "utf8" })).toBe("as it was");
  expect(statSync(at("outside/victim")).nlink).toBe(1);
  expect(readdirSync(at("store/web"))).toEqual([]);
}

test("a checkpoint arrives with the links of its container", async () => {
  expect(await receive()).toBe("kept");
  expect(readdirSync(at("store/web/cp/trees/0")).sort()).toEqual(["etc", "file", "second-name"]);
  expect(readlinkSync(at("store/web/cp/trees/0/etc/link"))).toBe("/etc/hosts");
  expect(statSync(at("store/web/cp/trees/0/file")).nlink).toBe(2);
});

const hostile: [what: string, change: () => void][] = [
  [
    "a record that is a link",
    () => {
      rmSync(at("good/record.json"));
      symlinkSync(at("outside/victim"), at("good/record.json"));
    },
  ],
  [
    "a record with a second name",
    () => {
      linkSync(at("good/record.json"), at("good/trees/0/record"));
    },
  ],
  [
    "a record that is a fifo",
    () => {
      rmSync(at("good/record.json"));
      execFileSync("mkfifo", [at("good/record.json")]);
    },
  ],
  [
    "images that are a link to a folder outside",
    () => {
      rmSync(at("good/images"), { recursive: true });
      symlinkSync(at("outside"), at("good/images"));
    },
  ],
  [
    "an image that is a link",
    () => {
      symlinkSync(at("outside/victim"), at("good/images/pages-1.img"));
    },
  ],
  [
    "a tree that is a link",
    () => {
      symlinkSync(at("outside"), at("good/trees/1"));
    },
  ],
];

test.each(hostile)(
  "%s: the checkpoint is refused with a sentence, and nothing outside its folder changes",
  async (_, change) => {
    change();
    const refused = await receive().then(
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
