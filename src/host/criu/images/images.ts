import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

const wordBytes = 4;
const magicWords = 2;

/** One of CRIU's images: two words that tell its kind, and protobuf messages, each behind its length. */
export function imageOf(magic: readonly [number, number], messages: Uint8Array[]): Buffer {
  return Buffer.concat([words(...magic), ...messages.flatMap((message) => [words(message.length), message])]);
}

/** The messages of an image; of one that was cut off, those that are whole. */
export function messagesIn(image: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = magicWords * wordBytes; at + wordBytes <= image.length; ) {
    const from = at + wordBytes;
    at = from + image.readUInt32LE(at);
    if (at <= image.length) messages.push(image.subarray(from, at));
  }
  return messages;
}

/** The two words that tell an image's kind. */
export const magicOf = (image: Buffer): [number, number] => [image.readUInt32LE(0), image.readUInt32LE(wordBytes)];

/** Of fields that come more than once, the last one, where nothing else is said. */
export interface Fields {
  /** 0 where there is none. */
  number(field: number): bigint;
  /** All of a field that is repeated. */
  numbers(field: number): bigint[];
  bytes(field: number): Uint8Array | undefined;
  message(field: number): Fields | undefined;
}

export function fieldsOf(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const numbers = new Map<number, bigint[]>();
  const messages = new Map<number, Uint8Array>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.Varint) numbers.set(field, [...(numbers.get(field) ?? []), BigInt(reader.uint64())]);
    else if (type === WireType.LengthDelimited) messages.set(field, reader.bytes());
    else reader.skip(type);
  }
  return {
    number: (field) => numbers.get(field)?.at(-1) ?? 0n,
    numbers: (field) => numbers.get(field) ?? [],
    bytes: (field) => messages.get(field),
    message: (field) => {
      const found = messages.get(field);
      return found && fieldsOf(found);
    },
  };
}

/** A message with other contents, as they are encoded, in these fields, which all have one wire type; the rest is as it was. */
export function withFields(
  message: Uint8Array,
  type: WireType,
  contents: readonly (readonly [field: number, content: Uint8Array])[],
): Uint8Array {
  const replaced = new Set(contents.map(([field]) => field));
  const reader = new BinaryReader(message);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const from = reader.pos;
    const [field, found] = reader.tag();
    reader.skip(found, field);
    if (!replaced.has(field)) writer.raw(message.subarray(from, reader.pos));
  }
  for (const [field, content] of contents) writer.tag(field, type).raw(content);
  return writer.finish();
}

function words(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}
