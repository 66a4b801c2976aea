import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

const wordBytes = 4;
const magicWords = 2;

/** The bytes of a CRIU image: two 32-bit words that tell its kind, then protobuf messages, each after its length. */
export function imageOf(magic: readonly [number, number], messages: Uint8Array[]): Buffer {
  return Buffer.concat([words(...magic), ...messages.flatMap((message) => [words(message.length), message])]);
}

/** The encoded messages of an image. Of a truncated image, those that are complete. */
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

/** Decodes an image whose messages are all of one type. @throws RangeError where a message is not of that type */
export function readImage<Type extends DescMessage>(type: Type, image: Buffer): MessageShape<Type>[] {
  return messagesIn(image).map((message) => fromBinary(type, message));
}

/**
 * Changes messages of an image whose messages are all of one type. A message that changes keeps the fields that ../proto does not
 * have; all other messages stay byte for byte.
 * @param change changes the message in place and returns true, or returns false
 * @returns the new image, or undefined where no message changed
 */
export function editImage<Type extends DescMessage>(
  type: Type,
  image: Buffer,
  change: (message: MessageShape<Type>, index: number) => boolean,
): Buffer | undefined {
  let isChanged = false;
  const messages = messagesIn(image).map((encoded, index) => {
    const message = fromBinary(type, encoded);
    if (!change(message, index)) return encoded;
    isChanged = true;
    return toBinary(type, message);
  });
  return isChanged ? imageOf(magicOf(image), messages) : undefined;
}

function words(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}
