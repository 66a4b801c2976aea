import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isToNowhere, withEndedSocket } from "./ended-sockets.ts";
import { fieldsOf, imageOf, magicOf, messagesIn, withFields } from "./images.ts";
import { type Connection, connectionOf, tcpState } from "./inet-sockets.ts";

/** Field number of CRIU's tcp-stream.proto. */
const unsentBytes = 12;

/**
 * Makes the connections of a dump ready for where it is restored. Those between the container's own processes, over its loopback,
 * go on: both ends travel. One whose other end does not (a `docker exec` session's, or not accepted yet), and with `endOuter` each
 * that is not over the loopback, becomes one that has ended.
 */
export async function prepareConnections(images: string, { endOuter }: { endOuter: boolean }): Promise<void> {
  const path = join(images, "files.img");
  const image = await readFile(path);
  const messages = messagesIn(image);
  const { inner, outer, halves } = tellApart(messages.map(connectionOf));
  for (const { inode } of inner) await takeForSent(join(images, `tcp-stream-${inode.toString(16)}.img`));
  const over = endOuter ? outer : halves;
  if (over.size === 0) return;
  const ended = messages.map((message, index) => (over.has(index) ? withEndedSocket(message) : message));
  await writeFile(path, imageOf(magicOf(image), ended));
}

/** Whether a dump has connections that must be ended where their addresses are not: those of Docker's own checkpoints, for instance. */
export async function hasOuterConnections(images: string): Promise<boolean> {
  const messages = messagesIn(await readFile(join(images, "files.img")));
  return tellApart(messages.map(connectionOf)).outer.size > 0;
}

/** Connections that go on by themselves; the places of all others, and among them of those that lack their other end. */
function tellApart(all: (Connection | undefined)[]) {
  const isOpen = ({ isLoopback, state }: Connection) => isLoopback && state === tcpState.established;
  const known = new Set(all.map((each) => each && isOpen(each) && `${each.from} ${each.to}`));
  const isInner = (each: Connection) => isOpen(each) && known.has(`${each.to} ${each.from}`);
  const isHalf = (each: Connection) => isOpen(each) && !isInner(each) && !isToNowhere(each);
  const places = (are: (each: Connection) => boolean) =>
    new Set(all.flatMap((each, index) => (each && are(each) ? [index] : [])));
  return {
    inner: all.filter((each) => each !== undefined).filter(isInner),
    outer: places((each) => isHalf(each) || !isOpen(each)),
    halves: places(isHalf),
  };
}

/**
 * What a socket has not sent yet, CRIU sends while it makes the sockets, the other end perhaps not among them yet. Taken for sent and
 * lost, it is repeated later.
 */
async function takeForSent(path: string): Promise<void> {
  const image = await readFile(path);
  const [stream] = messagesIn(image);
  if (!stream || fieldsOf(stream).number(unsentBytes) === 0n) return;
  const head = imageOf(magicOf(image), [stream]).length;
  const sent = withFields(stream, WireType.Varint, [[unsentBytes, new BinaryWriter().uint32(0).finish()]]);
  // Behind it are the bytes of the queues.
  await writeFile(path, Buffer.concat([imageOf(magicOf(image), [sent]), image.subarray(head)]));
}
