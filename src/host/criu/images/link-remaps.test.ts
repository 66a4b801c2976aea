import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import type { ContainerInspect } from "../../engine/inspect.ts";
import { foldersOfLostNames, refuseLostNames } from "./link-remaps.ts";

/** As CRIU writes them: a regular file is field 3 of a message, and its name field 6 of that. */
function image(...paths: string[]): Buffer {
  const messages = paths.map((path) => {
    const file = new BinaryWriter()
      .uint32(8)
      .uint32(36)
      .uint32((6 << 3) | 2)
      .string(path)
      .uint32(80)
      .uint32(1);
    return new BinaryWriter()
      .uint32(8)
      .uint32(1)
      .uint32((3 << 3) | 2)
      .bytes(file.finish())
      .finish();
  });
  const framed = messages.flatMap((message) => [Buffer.from(Uint32Array.of(message.length).buffer), message]);
  return Buffer.concat([Buffer.alloc(8, 1), ...framed]);
}
const container = (more: object) => ({ HostConfig: {}, ...more }) as ContainerInspect;

test("the folders of names that CRIU gave are found among the files of an image", () => {
  const names = ["/dev/shm/link_remap.36", "/a b/link_remap.7", "/link_remap.8", "/ä/link_remap.9"];
  const others = [
    "/dev/shm/memory",
    "/usr/bin/app",
    "/link_remap.1/file",
    "/tmp/link_remap.txt",
    "/tmp/my-link_remap.1",
  ];
  expect(foldersOfLostNames(image(...others, ...names))).toEqual(["/dev/shm", "/a b", "/", "/ä"]);
});

test.each([
  ["nothing", "/data/file", {}, undefined],
  ["a name in /dev/shm", "/dev/shm/link_remap.1", {}, undefined],
  ["a name in a tmpfs", "/scratch/deep/link_remap.1", { HostConfig: { Tmpfs: { "/scratch": "" } } }, undefined],
  ["a name in a mounted tmpfs", "/m/link_remap.1", { Mounts: [{ Type: "tmpfs", Destination: "/m" }] }, undefined],
  [
    "a name in a volume",
    "/m/link_remap.1",
    { Mounts: [{ Type: "volume", Destination: "/m" }] },
    "a program has a file in /m open",
  ],
  [
    "a name beside a tmpfs",
    "/scratched/link_remap.1",
    { HostConfig: { Tmpfs: { "/scratch": "" } } },
    "a program has a file in /scratched",
  ],
])("%s: only what the images do not hold is refused", async (_, path, more, refusal) => {
  const images = await mkdtemp(join(tmpdir(), "godwit-images-"));
  try {
    await writeFile(join(images, "files.img"), image("/bin/sh", path));
    const checked = refuseLostNames(images, container(more));
    if (refusal)
      await expect(checked).rejects.toMatchObject({ code: "dump-failed", message: expect.stringContaining(refusal) });
    else await checked;
  } finally {
    await rm(images, { recursive: true });
  }
});
