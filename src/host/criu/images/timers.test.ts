import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { aimAtMainThread, letExpireAgain } from "./timers.ts";

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

/** The fields of the entry of a timer, which the message of its file has as field 12. */
function fieldsOf(message: Uint8Array): Map<number, string> {
  const outer = new BinaryReader(message);
  for (;;) {
    const [field, type] = outer.tag();
    if (field !== 12) {
      outer.skip(type);
      continue;
    }
    const fields = new Map<number, string>();
    for (const inner = new BinaryReader(outer.bytes()); inner.pos < inner.len; ) {
      const [number, kind] = inner.tag();
      fields.set(number, Buffer.from(inner.skip(kind)).toString("hex"));
    }
    return fields;
  }
}

const other: Timer = { ticks: 0, value: [1, 1], interval: [1, 1] };

test.each<[string, Timer]>([
  ["expired, with an interval", { ticks: 1, value: [0, 0], interval: [0, 20_000_000] }],
  ["expired often, with an interval of seconds", { ticks: 300, value: [0, 0], interval: [5, 0] }],
])("a timer that is %s has a nanosecond left, and everything else is as it was", (_, timer) => {
  const image = imageOf(other, timer);
  const changed = letExpireAgain(image) ?? Buffer.alloc(0);
  const message = messageOf(timer);
  // Zero and one take a byte each, so that the length stays.
  expect(changed.length).toBe(image.length);
  const before = image.length - message.length;
  expect(changed.subarray(0, before).equals(image.subarray(0, before))).toBe(true);
  expect(fieldsOf(changed.subarray(before))).toEqual(fieldsOf(message).set(8, "01"));
});

test.each<[string, Timer]>([
  ["expired, to expire once", { ticks: 1, value: [0, 0], interval: [0, 0] }],
  ["stopped", { ticks: 0, value: [0, 0], interval: [0, 20_000_000] }],
  ["under way", { ticks: 0, value: [0, 4711], interval: [0, 20_000_000] }],
  ["expired, and under way again", { ticks: 2, value: [3, 0], interval: [5, 0] }],
])("a timer that is %s stays as it is", (_, timer) => {
  expect(letExpireAgain(imageOf(other, timer))).toBeUndefined();
});

test("an image without a file", () => {
  expect(letExpireAgain(Buffer.alloc(8))).toBeUndefined();
});

/**
 * `core-PID.img` of a process with timers of timer_create, each with its number and its thread. Around what is looked at, each message has
 * fields that godwit does not know.
 */
function coreOf(...timers: { id: number; thread?: number }[]): Buffer {
  const ofTimers = new BinaryWriter();
  for (const { id, thread } of timers) {
    const timer = new BinaryWriter().tag(1, WireType.Varint).uint32(id).tag(2, WireType.Varint).uint32(4);
    if (thread !== undefined) timer.tag(11, WireType.Varint).int32(thread);
    ofTimers.tag(4, WireType.LengthDelimited).bytes(timer.finish());
  }
  const task = new BinaryWriter().tag(1, WireType.Varint).uint32(1).tag(7, WireType.LengthDelimited);
  task.bytes(ofTimers.finish()).tag(8, WireType.Varint).uint32(5);
  const core = new BinaryWriter().tag(1, WireType.Varint).uint32(1).tag(3, WireType.LengthDelimited);
  const message = core.bytes(task.finish()).finish();
  const length = Buffer.alloc(4);
  length.writeUInt32LE(message.length);
  return Buffer.concat([Buffer.alloc(8, 1), length, message]);
}

test.each([-1, 1_602_565_184, 9])(
  "a timer for the main thread gets the number of that thread instead of %i",
  (written) => {
    const others = [{ id: 0 }, { id: 1, thread: 9 }, { id: 3 }];
    const changed = aimAtMainThread(coreOf(...others, { id: 7, thread: written }), 5, new Set([7])) ?? Buffer.alloc(0);
    expect(sortedBytes(changed)).toEqual(sortedBytes(coreOf(...others, { id: 7, thread: 5 })));
  },
);

test("a process without such a timer keeps its image", () => {
  expect(aimAtMainThread(coreOf({ id: 1, thread: 9 }), 5, new Set([7]))).toBeUndefined();
});

/** Fields that a reader does not know may change their place in a message. */
const sortedBytes = (image: Buffer) => [...image].sort((one, other) => one - other);
