import { constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterAll, expect, test } from "vitest";
import { markSemaphores } from "./semaphores.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-semaphores-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A message of numbers, by field. */
const message = (fields: Record<number, number>, more?: [field: number, message: Uint8Array]) => {
  const writer = new BinaryWriter();
  for (const [field, value] of Object.entries(fields)) writer.tag(Number(field), WireType.Varint).uint32(value);
  if (more) writer.tag(more[0], WireType.LengthDelimited).bytes(more[1]);
  return writer.finish();
};
/** A process 1 with the table 5 of descriptors, and a process 7 with the table 6. */
const filesWith = (flagsOfThird: number) => [
  message({ 1: 1, 2: 10 }),
  message({ 1: 13, 2: 11 }, [8, message({ 1: 11, 2: 2, 4: 3 })]),
  message({ 1: 13, 2: 12 }, [8, message({ 1: 12, 2: flagsOfThird, 4: 3 })]),
];

function write(name: string, messages: Uint8Array[]): void {
  const framed = messages.flatMap((each) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(each.length);
    return [length, Buffer.from(each)];
  });
  writeFileSync(join(folder, name), Buffer.concat([Buffer.alloc(8, 1), ...framed]));
}

/** Fields that a reader does not know may change their place in a message. */
const sorted = (image: Buffer) => [...image].sort((one, other) => one - other);

test("the image of a semaphore gets the mark, and no other file", async () => {
  write("ids-1.img", [message({ 1: 1, 2: 5 })]);
  write("ids-7.img", [message({ 1: 2, 2: 6 })]);
  write("fdinfo-5.img", [message({ 1: 10, 4: 3 }), message({ 1: 11, 4: 4 })]);
  write("fdinfo-6.img", [message({ 1: 11, 4: 3 }), message({ 1: 12, 4: 4 })]);
  write("files.img", filesWith(2048));
  const read = () => readFileSync(join(folder, "files.img"));
  const before = read();
  await markSemaphores(folder);
  writeFileSync(join(folder, "state.godwit"), "slack 1 1\n");
  await markSemaphores(folder);
  expect(read()).toEqual(before);
  writeFileSync(join(folder, "state.godwit"), "slack 1 1\nsemaphore 7 4\nsocket 1 4 2 1 6\n");
  await markSemaphores(folder);
  const marked = read();
  write("files.img", filesWith(2048 | constants.O_DIRECT));
  expect(sorted(marked)).toEqual(sorted(read()));
});
