import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

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

/** Of fields that come more than once, the last one. */
export interface Fields {
  /** 0 where there is none. */
  number(field: number): bigint;
  message(field: number): Fields | undefined;
}

export function fieldsOf(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const numbers = new Map<number, bigint>();
  const messages = new Map<number, Uint8Array>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.Varint) numbers.set(field, BigInt(reader.uint64()));
    else if (type === WireType.LengthDelimited) messages.set(field, reader.bytes());
    else reader.skip(type);
  }
  return {
    number: (field) => numbers.get(field) ?? 0n,
    message: (field) => {
      const found = messages.get(field);
      return found && fieldsOf(found);
    },
  };
}

function words(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}
