import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { editImage } from "./images.ts";

/** A file with a socket, of a CRIU that has more fields than any today, at both levels and of every kind that protobuf has. */
function newerFile(socketNumber: number): Uint8Array {
  const unknown = (writer: BinaryWriter) =>
    writer
      .tag(3000, WireType.Varint)
      .uint64(0xffffffffffffffffn)
      .tag(3001, WireType.Bit64)
      .fixed64(7n)
      .tag(3002, WireType.LengthDelimited)
      .bytes(Uint8Array.of(0xff, 0xfe, 0))
      .tag(3003, WireType.Bit32)
      .fixed32(9)
      .tag(3003, WireType.Bit32)
      .fixed32(10);
  const socket = unknown(new BinaryWriter().uint32(2 << 3).uint32(socketNumber)).finish();
  const file = new BinaryWriter().tag(4, WireType.LengthDelimited).bytes(socket);
  return unknown(file).finish();
}

function image(...messages: Uint8Array[]): Buffer {
  const framed = messages.flatMap((message) => [Buffer.from(Uint32Array.of(message.length).buffer), message]);
  return Buffer.concat([Buffer.from("magic---"), ...framed]);
}

/** With the socket (field 4) before the regular file (field 3), which the generated code would write the other way round. */
const unusual = Uint8Array.of((4 << 3) | 2, 0, (3 << 3) | 2, 0);

test("a message that changes keeps fields that are unknown, and the others stay byte for byte", () => {
  const changed = editImage(file_entrySchema, image(unusual, newerFile(70), unusual), ({ isk }, index) => {
    if (index !== 1 || !isk) return false;
    isk.ino += 1;
    return true;
  });
  expect(changed?.toString("hex")).toBe(image(unusual, newerFile(71), unusual).toString("hex"));
});

test("an image in which nothing changes is not written anew", () => {
  expect(editImage(file_entrySchema, image(unusual), () => false)).toBeUndefined();
});
