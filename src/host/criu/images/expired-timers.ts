import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Two words of magic, then each message behind its length. */
const magicBytes = 8;
const lengthBytes = 4;
/** Field numbers of CRIU's fdinfo.proto and timerfd.proto. */
const timerfd = 12;
const fields = { ticks: 5, seconds: 7, nanoseconds: 8, intervalSeconds: 9, intervalNanoseconds: 10 } as const;

/**
 * A timerfd with an interval that has expired, and that nobody has read since, tells the kernel's reader of no time left; CRIU
 * would set it to that again, which means to stop it for good (4.2.1). Under the freeze every short interval expires. One
 * nanosecond left lets it expire again at once, and go on.
 */
export async function keepExpiredTimers(images: string): Promise<void> {
  const path = join(images, "files.img");
  const image = await readFile(path);
  if (letExpireAgain(image)) await writeFile(path, image);
}

/** @returns whether something in the image was changed; no length in it changes */
export function letExpireAgain(image: Buffer): boolean {
  let changed = false;
  for (let at = magicBytes; at + lengthBytes <= image.length; ) {
    const begin = at + lengthBytes;
    at = begin + image.readUInt32LE(at);
    for (const { field, begin: from, end } of fieldsOf(image, begin, at)) {
      if (field === timerfd) changed = mend(image, from, end) || changed;
    }
  }
  return changed;
}

function mend(image: Buffer, begin: number, end: number): boolean {
  const found = new Map([...fieldsOf(image, begin, end)].map((each) => [each.field, each]));
  const is = (name: keyof typeof fields) => (found.get(fields[name])?.number ?? 0) > 0;
  const left = found.get(fields.nanoseconds);
  const stopped = !is("seconds") && !is("nanoseconds") && is("ticks");
  if (!left || !stopped || !(is("intervalSeconds") || is("intervalNanoseconds"))) return false;
  // A zero takes one byte, and so does a one.
  image[left.begin] = 1;
  return true;
}

interface Field {
  field: number;
  /** Of a number; 0 of anything else. */
  number: number;
  /** Where the content is in the image. */
  begin: number;
  end: number;
}

function* fieldsOf(image: Buffer, begin: number, end: number): Generator<Field> {
  const reader = new BinaryReader(image.subarray(begin, end));
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const from = begin + reader.pos;
    if (type === WireType.Varint)
      yield { field, number: Number(reader.uint64()), begin: from, end: begin + reader.pos };
    else if (type === WireType.LengthDelimited) {
      const { length } = reader.bytes();
      yield { field, number: 0, begin: begin + reader.pos - length, end: begin + reader.pos };
    } else reader.skip(type);
  }
}
