import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { fieldsOf, imageOf, magicOf, messagesIn, withFields } from "./images.ts";

/** Field numbers of CRIU's fdinfo.proto, sk-inet.proto and tcp-stream.proto. */
const inetSocket = 4;
const fields = {
  inode: 2,
  protocol: 5,
  state: 6,
  fromPort: 7,
  toPort: 8,
  flags: 9,
  from: 11,
  to: 12,
  shutdown: 19,
} as const;
const unsentBytes = 12;
const tcp = 6;
/** States of the kernel's TCP. */
const established = 1;
const connecting = 2;
const closed = 7;
/** SK_SHUTDOWN of sk-inet.proto: neither reads nor writes. */
const both = 3;
/** O_NONBLOCK of the flags of a file. */
const nonBlocking = 0o4000;

interface Connection {
  inode: number;
  state: number;
  /** Address and port, an IPv4 address in one way only. */
  from: string;
  to: string;
  isLoopback: boolean;
}

/**
 * Makes the connections of a dump ready for where it is restored. Those between the container's own processes, over its loopback,
 * go on: both ends travel. One whose other end does not (a `docker exec` session's, or not accepted yet), and with `endOuter` each
 * that is not over the loopback, becomes one that has ended: its owner reads an end, and cannot write. One that its owner waits for
 * within connect() is asked for anew when the kernel goes on with that.
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
  const isOpen = ({ isLoopback, state }: Connection) => isLoopback && state === established;
  const known = new Set(all.map((each) => each && isOpen(each) && `${each.from} ${each.to}`));
  const isInner = (each: Connection) => isOpen(each) && known.has(`${each.to} ${each.from}`);
  const places = (are: (each: Connection) => boolean) =>
    new Set(all.flatMap((each, index) => (each && are(each) ? [index] : [])));
  return {
    inner: all.filter((each) => each !== undefined).filter(isInner),
    outer: places((each) => !isInner(each)),
    halves: places((each) => isOpen(each) && !isInner(each)),
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
  const sent = withFields(stream, WireType.Varint, new Map([[unsentBytes, number(0)]]));
  // Behind it are the bytes of the queues.
  await writeFile(path, Buffer.concat([imageOf(magicOf(image), [sent]), image.subarray(head)]));
}

function connectionOf(message: Uint8Array): Connection | undefined {
  const socket = fieldsOf(message).bytes(inetSocket);
  if (!socket) return undefined;
  const found = fieldsOf(socket);
  const value = (field: keyof typeof fields) => Number(found.number(fields[field]));
  if (value("protocol") !== tcp || value("toPort") === 0) return undefined;
  const [from, to] = [plainAddress(found.numbers(fields.from)), plainAddress(found.numbers(fields.to))];
  return {
    inode: value("inode"),
    state: value("state"),
    from: `${from.text}:${value("fromPort")}`,
    to: `${to.text}:${value("toPort")}`,
    isLoopback: from.isLoopback && to.isLoopback,
  };
}

/** An address in words as the network has them; one of IPv4 may be written within one of IPv6. */
function plainAddress(words: bigint[]): { text: string; isLoopback: boolean } {
  const bytes = Buffer.from(Uint32Array.from(words, Number).buffer).toString("hex");
  const text = bytes.match(/^0{20}ffff([0-9a-f]{8})$/)?.[1] ?? bytes;
  return { text, isLoopback: text.length === 8 ? text.startsWith("7f") : /^0{31}1$/.test(text) };
}

/** Without ports CRIU makes a socket that is connected to nothing, and shuts it down. */
function withEndedSocket(message: Uint8Array): Uint8Array {
  const before = fieldsOf(message).bytes(inetSocket) ?? new Uint8Array();
  const value = (field: number) => Number(fieldsOf(before).number(field));
  const isWaitedFor = value(fields.state) === connecting && (value(fields.flags) & nonBlocking) === 0;
  const ended = new Map([
    [fields.state, number(closed)],
    [fields.fromPort, number(0)],
    [fields.toPort, number(0)],
    // A connection that is made with a socket that was shut down can do nothing.
    ...(isWaitedFor ? [] : [[fields.shutdown, number(both)] as const]),
  ]);
  const socket = withFields(before, WireType.Varint, ended);
  const delimited = new BinaryWriter().bytes(socket).finish();
  return withFields(message, WireType.LengthDelimited, new Map([[inetSocket, delimited]]));
}

const number = (value: number) => new BinaryWriter().uint32(value).finish();
