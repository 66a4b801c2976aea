import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ContainerInspect } from "../../engine/inspect.ts";
import { foldersOfLostNames, refuseLostNames } from "./link-remaps.ts";

/** As CRIU writes them: length and string, between other fields. */
const image = (...paths: string[]) =>
  paths.map((path) => `\x08\x24\x2a${String.fromCharCode(path.length)}${path}\x30\x01`).join("");
const container = (more: object) => ({ HostConfig: {}, ...more }) as ContainerInspect;

test("the folders of names that CRIU gave are found among the files of an image", () => {
  expect(
    foldersOfLostNames(image("/dev/shm/memory", "/dev/shm/link_remap.36", "/usr/bin/app", "/a b/link_remap.7")),
  ).toEqual(["/dev/shm", "/a b"]);
});

test.each([
  ["nothing", "/data/file", {}, undefined],
  ["a name in /dev/shm", "/dev/shm/link_remap.1", {}, undefined],
  ["a name in a tmpfs", "/scratch/deep/link_remap.1", { HostConfig: { Tmpfs: { "/scratch": "" } } }, undefined],
  ["a name in a mounted tmpfs", "/m/link_remap.1", { Mounts: [{ Type: "tmpfs", Destination: "/m" }] }, undefined],
  ["a name in a volume", "/m/link_remap.1", { Mounts: [{ Type: "volume", Destination: "/m" }] }, "a file in /m is"],
  [
    "a name beside a tmpfs",
    "/scratched/link_remap.1",
    { HostConfig: { Tmpfs: { "/scratch": "" } } },
    "a file in /scratched",
  ],
])("%s: only what the images do not hold is refused", async (_, path, more, refusal) => {
  const images = await mkdtemp(join(tmpdir(), "godwit-images-"));
  try {
    await writeFile(join(images, "files.img"), image("/bin/sh", path), "latin1");
    const checked = refuseLostNames(images, container(more));
    if (refusal)
      await expect(checked).rejects.toMatchObject({ code: "dump-failed", message: expect.stringContaining(refusal) });
    else await checked;
  } finally {
    await rm(images, { recursive: true });
  }
});
