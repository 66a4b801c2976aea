import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { acceptDockersFiles } from "./docker-files.ts";
import { readImage } from "./images.ts";

const text = (value: string) => Buffer.from(value);
/** A file with its flags, position, name and size, as CRIU writes it. */
function entry(id: number, name: string, size: number): Uint8Array {
  const reg = new BinaryWriter().tag(1, WireType.Varint).uint32(id).tag(6, WireType.LengthDelimited).bytes(text(name));
  reg.tag(8, WireType.Varint).uint32(size);
  const file = new BinaryWriter().tag(1, WireType.Varint).uint32(1).tag(2, WireType.Varint).uint32(id);
  return file.tag(3, WireType.LengthDelimited).bytes(reg.finish()).finish();
}

test("files of Docker lose the size that CRIU compares; others keep it", async () => {
  const images = mkdtempSync(join(tmpdir(), "godwit-dockers-"));
  try {
    const entries = [entry(1, "/etc/hosts", 174), entry(2, "/srv/etc/hosts", 9), entry(3, "/etc/resolv.conf", 5)];
    const framed = entries.flatMap((each) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(each.length);
      return [length, Buffer.from(each)];
    });
    writeFileSync(join(images, "files.img"), Buffer.concat([Buffer.alloc(8, 1), ...framed]));
    await acceptDockersFiles(images);
    const found = readImage(file_entrySchema, readFileSync(join(images, "files.img")));
    expect(found.map(({ id, reg }) => [id, Object.hasOwn(reg ?? {}, "size") ? Number(reg?.size) : null])).toEqual([
      [1, null],
      [2, 9],
      [3, null],
    ]);
  } finally {
    rmSync(images, { recursive: true });
  }
});
