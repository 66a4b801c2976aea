import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { letExpireAgain } from "./expired-timers.ts";

interface Timer {
  ticks: number;
  value: [number, number];
  interval: [number, number];
}

/** As CRIU writes it: a file of another kind, then a timerfd each. */
function imageOf(...timers: Timer[]): Buffer {
  const other = new BinaryWriter()
    .uint32(8)
    .uint32(6)
    .uint32(16)
    .uint32(1)
    .uint32((8 << 3) | 2)
    .bytes(Buffer.from([8, 1, 56, 0, 64, 0]));
  const messages = [other.finish(), ...timers.map(messageOf)];
  const framed = messages.flatMap((message) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(message.length);
    return [length, Buffer.from(message)];
  });
  return Buffer.concat([Buffer.alloc(8, 1), ...framed]);
}

function messageOf({ ticks, value, interval }: Timer): Uint8Array {
  const entry = new BinaryWriter();
  const numbers = [7, 0o2, undefined, 1, ticks, 0, ...value, ...interval];
  for (const [index, number] of numbers.entries()) {
    if (number === undefined) entry.tag(index + 1, WireType.LengthDelimited).bytes(Buffer.from([8, 0]));
    else entry.tag(index + 1, WireType.Varint).uint64(number);
  }
  return new BinaryWriter()
    .uint32(8)
    .uint32(17)
    .uint32(16)
    .uint32(7)
    .tag(12, WireType.LengthDelimited)
    .bytes(entry.finish())
    .finish();
}

/** The nanoseconds left of the last timer. */
function left(image: Buffer, message: Uint8Array): number {
  const outer = new BinaryReader(image.subarray(image.length - message.length));
  for (;;) {
    const [field, type] = outer.tag();
    if (field !== 12) {
      outer.skip(type);
      continue;
    }
    const inner = new BinaryReader(outer.bytes());
    for (;;) {
      const [number, kind] = inner.tag();
      if (number === 8) return Number(inner.uint64());
      inner.skip(kind);
    }
  }
}

test.each<[string, Timer, number]>([
  ["expired, with an interval", { ticks: 1, value: [0, 0], interval: [0, 20_000_000] }, 1],
  ["expired often, with an interval of seconds", { ticks: 300, value: [0, 0], interval: [5, 0] }, 1],
  ["expired, to expire once", { ticks: 1, value: [0, 0], interval: [0, 0] }, 0],
  ["stopped", { ticks: 0, value: [0, 0], interval: [0, 20_000_000] }, 0],
  ["under way", { ticks: 0, value: [0, 4711], interval: [0, 20_000_000] }, 4711],
  ["expired, and under way again", { ticks: 2, value: [3, 0], interval: [5, 0] }, 0],
])("a timer that is %s", (_, timer, nanoseconds) => {
  const image = imageOf({ ticks: 0, value: [1, 1], interval: [1, 1] }, timer);
  const before = Buffer.from(image);
  expect(letExpireAgain(image)).toBe(nanoseconds === 1);
  expect(left(image, messageOf(timer))).toBe(nanoseconds);
  expect([...image].filter((byte, i) => byte !== before[i])).toEqual(nanoseconds === 1 ? [1] : []);
});

test("an image without a file", () => {
  expect(letExpireAgain(Buffer.alloc(8))).toBe(false);
});
