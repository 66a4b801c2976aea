import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { packImage } from "./image-archive.ts";
import { chainIds } from "./stored-layer.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-archive-"));
afterAll(() => rmSync(folder, { recursive: true }));

const sha256 = (data: Buffer | string) => `sha256:${createHash("sha256").update(data).digest("hex")}`;
const docker = (DockerRootDir: string, DriverStatus: [string, string][] = []) => ({ DockerRootDir, DriverStatus });

function write(path: string, data: Buffer | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
}

/** What Docker writes of an archive as it unpacks it. */
function tarSplit(tar: Buffer): string {
  const lines: object[] = [];
  let raw: Buffer[] = [];
  const segment = () => {
    if (raw.length > 0) lines.push({ type: 2, payload: Buffer.concat(raw).toString("base64"), position: lines.length });
    raw = [];
  };
  for (let at = 0; at < tar.length; ) {
    const header = tar.subarray(at, at + 512);
    at += 512;
    raw.push(header);
    if (header[0] === 0) continue;
    const name = header.subarray(0, header.indexOf(0));
    const size = Number.parseInt(header.toString("latin1", 124, 135), 8);
    segment();
    const utf8 = Buffer.from(name.toString()).equals(name);
    const named = utf8 ? { name: name.toString() } : { name_raw: name.toString("base64") };
    lines.push({ type: 1, ...named, ...(size > 0 ? { size, payload: "crc" } : {}), position: lines.length });
    const padding = (512 - (size % 512)) % 512;
    raw = padding > 0 ? [tar.subarray(at + size, at + size + padding)] : [];
    at += size + padding;
  }
  segment();
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** A Docker's folder with one image. `fill` makes the files of a layer; they are all that its archive has. */
function dockerRoot(name: string, fills: ((files: string) => void)[]) {
  const root = join(folder, name);
  const tars = fills.map((fill, i) => {
    const files = join(root, `overlay2/cache${i}/diff`);
    mkdirSync(files, { recursive: true });
    fill(files);
    return execFileSync("tar", ["--format=ustar", "-C", files, "-c", "."]);
  });
  const diffIds = tars.map(sha256);
  for (const [i, chainId] of chainIds(diffIds).entries()) {
    const record = join(root, "image/overlay2/layerdb", chainId.replace(":", "/"));
    write(join(record, "diff"), diffIds[i] ?? "");
    write(join(record, "cache-id"), `cache${i}`);
    write(join(record, "tar-split.json.gz"), gzipSync(tarSplit(tars[i] ?? Buffer.alloc(0))));
  }
  const config = JSON.stringify({ rootfs: { type: "layers", diff_ids: diffIds } });
  const id = sha256(config);
  write(join(root, "image/overlay2/imagedb/content", id.replace(":", "/")), config);
  return { root, id, tars, diffIds };
}

const oddFiles = (files: string) => {
  write(join(files, "small"), "content");
  write(join(files, "some/folder/large"), Buffer.alloc(700_001, "ab"));
  writeFileSync(Buffer.concat([Buffer.from(`${files}/not-utf8-`), Buffer.from([0xe9, 0xff])]), "x".repeat(512));
  write(join(files, "empty"), "");
  symlinkSync("/etc/passwd", join(files, "link"));
};
const member = (archive: Buffer, name: string) =>
  execFileSync("tar", ["-xO", name], { input: archive, maxBuffer: 2 ** 26 });

test("an archive has the missing layers byte for byte, and its size is known before", async () => {
  const { root, id, tars, diffIds } = dockerRoot("whole", [(files) => write(join(files, "below"), "b"), oddFiles]);
  const names = diffIds.map((diffId) => `blobs/${diffId.replace(":", "/")}`);
  const packed = await packImage(docker(root), { id, reference: "app", without: diffIds.slice(0, 1) });
  const archive = await buffer(await packed.open());
  expect(archive.length).toBe(packed.bytes);
  expect(execFileSync("tar", ["-t"], { input: archive, encoding: "utf8" }).trim().split("\n")).toEqual([
    "manifest.json",
    `blobs/${id.replace(":", "/")}`,
    names[1],
  ]);
  expect(member(archive, names[1] ?? "").equals(tars[1] ?? Buffer.alloc(0))).toBe(true);
  expect(JSON.parse(String(member(archive, "manifest.json")))).toEqual([
    { Config: `blobs/${id.replace(":", "/")}`, RepoTags: ["app:latest"], Layers: names },
  ]);
  const whole = await packImage(docker(root), { id, reference: undefined, without: [] });
  const both = await buffer(await whole.open());
  expect(sha256(member(both, names[0] ?? ""))).toBe(diffIds[0]);
  expect(JSON.parse(String(member(both, "manifest.json")))).toMatchObject([{ RepoTags: null }]);
});

test.each([
  ["by its id", "sha256:", null],
  ["by the beginning of its id", "", null],
  ["by a registry's name", "127.0.0.1:5000/some/app:1", ["127.0.0.1:5000/some/app:1"]],
  ["by a digest", `app@sha256:${"0".repeat(64)}`, null],
])("an image that is named %s", async (name, given, tags) => {
  const { root, id } = dockerRoot(name, [oddFiles]);
  const reference = given === "sha256:" ? id : given || id.slice(7, 19);
  const archive = await buffer(await (await packImage(docker(root), { id, reference, without: [] })).open());
  expect(JSON.parse(String(member(archive, "manifest.json")))[0].RepoTags).toEqual(tags);
});

test("a layer whose files differ from Docker's record is not sent", async () => {
  const sending = async (name: string, change: (files: string) => void) => {
    const { root, id } = dockerRoot(name, [oddFiles]);
    change(join(root, "overlay2/cache0/diff"));
    return buffer(await (await packImage(docker(root), { id, reference: undefined, without: [] })).open());
  };
  await expect(sending("changed", (files) => writeFileSync(join(files, "small"), "c0ntent"))).rejects.toThrow(
    "its files have changed",
  );
  await expect(sending("cut", (files) => writeFileSync(join(files, "small"), "con"))).rejects.toThrow("is shorter");
  const secret = join(folder, "secret");
  write(join(secret, "large"), Buffer.alloc(700_001, "secret"));
  await expect(
    sending("folder-link", (files) => {
      rmSync(join(files, "some/folder"), { recursive: true });
      symlinkSync(secret, join(files, "some/folder"));
    }),
  ).rejects.toThrow("is not in its folder");
  await expect(
    sending("file-link", (files) => {
      rmSync(join(files, "small"));
      appendFileSync(join(secret, "small"), "content");
      symlinkSync(join(secret, "small"), join(files, "small"));
    }),
  ).rejects.toThrow("ELOOP");
});

test("an image of the containerd image store is not packed", async () => {
  const status: [string, string][] = [["driver-type", "io.containerd.snapshotter.v1"]];
  await expect(packImage(docker(folder, status), { id: "x", reference: "x", without: [] })).rejects.toThrow(
    "as a whole",
  );
});
