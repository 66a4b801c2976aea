import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterEach, beforeEach, expect, test } from "vitest";
import { imageOf, messagesIn } from "../../src/host/criu/images/images.ts";
import { hasOuterConnections, prepareConnections } from "../../src/host/criu/images/inner-connections.ts";

let images = "";
beforeEach(() => {
  images = mkdtempSync(join(tmpdir(), "godwit-images-"));
});
afterEach(() => rmSync(images, { recursive: true }));

const [established, connecting, hasEnded, peerHasEnded, listening, closed] = [1, 2, 5, 8, 10, 7];
const v4 = (...bytes: number[]) => [Buffer.from(bytes).readUInt32LE()];
const mapped = (...bytes: number[]) => [0, 0, 0xffff0000, ...v4(...bytes)];
const itself6 = [0, 0, 0, 0x01000000];
const [itself, other] = [v4(127, 0, 0, 1), v4(172, 17, 0, 2)];

/** What godwit does not know: a field of CRIU's, and one that no CRIU has yet; of each a text and bytes that are no text. */
const unknown: [field: number, content: Uint8Array][] = [
  [13, Uint8Array.of(8, 1)],
  [17, Buffer.from("eth0")],
  [4000, Uint8Array.of(0xff, 0, 0x80)],
];

interface Socket {
  state?: number;
  protocol?: number;
  flags?: number;
  from: [address: number[], port: number];
  to: [address: number[], port: number];
}

function files(...sockets: Socket[]): void {
  const messages = sockets.map(({ state = established, protocol = 6, flags = 2, from, to }, inode) => {
    const entry = new BinaryWriter();
    const numbers = [inode, 0xab0 + inode, 2, 1, protocol, state, from[1], to[1], flags, 0];
    for (const [i, number] of numbers.entries()) entry.uint32((i + 1) << 3).uint32(number);
    for (const word of from[0]) entry.uint32(11 << 3).uint32(word);
    for (const word of to[0]) entry.uint32(12 << 3).uint32(word);
    for (const [field, content] of unknown) entry.uint32((field << 3) | 2).bytes(content);
    return new BinaryWriter()
      .uint32(1 << 3)
      .uint32(2)
      .uint32((4 << 3) | 2)
      .bytes(entry.finish())
      .finish();
  });
  const regular = new BinaryWriter()
    .uint32(1 << 3)
    .uint32(1)
    .finish();
  writeFileSync(join(images, "files.img"), imageOf([1, 2], [regular, ...messages]));
}

/** The contents of a message by field number, in their order: of a number the number, of anything else its bytes. */
function fieldsOf(message: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const fields = new Map<number, (number | Uint8Array)[]>();
  for (const reader = new BinaryReader(message); reader.pos < reader.len; ) {
    const [field, type] = reader.tag();
    const content = type === WireType.Varint ? Number(reader.uint64()) : reader.bytes();
    fields.set(field, [...(fields.get(field) ?? []), content]);
  }
  return fields;
}

const socketFields = () =>
  messagesIn(readFileSync(join(images, "files.img")))
    .slice(1)
    .map((message) => fieldsOf(fieldsOf(message).get(4)?.[0] as Uint8Array));

/** State, ports and shutdown of each socket. */
const sockets = () => socketFields().map((fields) => [6, 7, 8, 19].map((field) => fields.get(field)?.at(-1) ?? 0));

/** Where each comes from, and where it goes to. */
const addresses = () => socketFields().map((fields) => [11, 12].map((field) => fields.get(field)));

/** Queues of `received` and `queued` bytes, and what of them was not sent. */
function stream(socket: number, unsent: number): string {
  const path = join(images, `tcp-stream-${(0xab0 + socket).toString(16)}.img`);
  const entry = new BinaryWriter();
  for (const [field, value] of [
    [1, 3],
    [3, 4],
    [12, unsent],
    [17, 300],
  ] as const)
    entry.uint32(field << 3).uint32(value);
  writeFileSync(path, Buffer.concat([imageOf([3, 4], [entry.finish()]), Buffer.from("abcdefg")]));
  return path;
}
const unsentOf = (path: string) => {
  const image = readFileSync(path);
  const [entry = Buffer.alloc(0)] = messagesIn(image);
  expect(image.subarray(-7).toString()).toBe("abcdefg");
  expect(fieldsOf(entry).get(17)).toEqual([300]);
  return fieldsOf(entry).get(12)?.at(-1);
};

test.each([
  ["IPv4", itself, itself],
  ["IPv6", itself6, itself6],
  ["IPv4 within IPv6 at one end", mapped(127, 0, 0, 1), itself],
])("both ends over the loopback go on: %s", async (_, one, two) => {
  files({ from: [one, 7000], to: [one, 5000] }, { from: [two, 5000], to: [two, 7000] });
  const path = stream(1, 2);
  stream(0, 0);
  const before = sockets();
  await prepareConnections(images, { endOuter: true });
  expect(sockets()).toEqual(before);
  expect(await hasOuterConnections(images)).toBe(false);
  expect(unsentOf(path)).toBe(0);
});

test("one that is half closed goes on in its other direction", async () => {
  const closer: Socket = { state: hasEnded, from: [itself, 7000], to: [itself, 5000] };
  const other: Socket = { state: peerHasEnded, from: [itself, 5000], to: [itself, 7000] };
  files(closer, other);
  stream(0, 0);
  stream(1, 0);
  const before = sockets();
  await prepareConnections(images, { endOuter: true });
  expect(sockets()).toEqual(before);
});

test("all others end, listening sockets and other protocols stay", async () => {
  const at = (address: number[], port: number): [number[], number] => [address, port];
  files(
    { from: at(other, 7000), to: at(v4(10, 0, 0, 9), 5000) },
    // Its other end is not the container's.
    { from: at(itself, 5001), to: at(itself, 5432) },
    // Its own address, which it will not have there.
    { from: at(other, 5002), to: at(other, 7000) },
    { from: at(other, 7000), to: at(other, 5002) },
    { state: peerHasEnded, from: at(itself, 7000), to: at(itself, 5003) },
    { state: listening, from: at(itself, 7000), to: at([0], 0) },
    { protocol: 17, from: at(itself, 53), to: at(v4(10, 0, 0, 9), 53) },
  );
  const ended = [closed, 0, 0, 3];
  expect(await hasOuterConnections(images)).toBe(true);
  await prepareConnections(images, { endOuter: true });
  expect(sockets()).toEqual([ended, ended, ended, ended, ended, [listening, 7000, 0, 0], [established, 53, 53, 0]]);
  for (const fields of socketFields())
    expect(unknown.map(([field]) => fields.get(field)?.map((content) => Buffer.from(content as Uint8Array)))).toEqual(
      unknown.map(([, content]) => [Buffer.from(content)]),
    );
  expect(await hasOuterConnections(images)).toBe(false);
});

test.each([
  ["IPv4", { from: other, to: v4(10, 0, 0, 9) }, itself],
  ["IPv4 within IPv6", { from: mapped(172, 17, 0, 2), to: mapped(10, 0, 0, 9) }, mapped(127, 0, 0, 1)],
])("one that is not made yet is asked for anew, or reset where its owner waits elsewhere: %s", async (_, at, here) => {
  const socket: Socket = { state: connecting, from: [at.from, 5000], to: [at.to, 7000] };
  files(socket, { ...socket, flags: 0o4002 });
  await prepareConnections(images, { endOuter: true });
  expect(sockets()).toEqual([
    [closed, 0, 0, 0],
    [established, 5000, 1, 0],
  ]);
  expect(addresses().at(-1)).toEqual([here, here]);
  expect(await hasOuterConnections(images)).toBe(false);
});

test("where the address is kept, all stay that have another end", async () => {
  const outer: Socket = { from: [other, 7000], to: [v4(10, 0, 0, 9), 5000] };
  const toItself: Socket = { from: [other, 7000], to: [other, 5000] };
  const toBeRead: Socket = { state: peerHasEnded, from: [itself, 7000], to: [itself, 5001] };
  files(outer, toItself, toBeRead);
  const path = stream(0, 2);
  const before = readFileSync(join(images, "files.img"));
  await prepareConnections(images, { endOuter: false });
  expect(readFileSync(join(images, "files.img")).equals(before)).toBe(true);
  expect(unsentOf(path)).toBe(2);
  files(outer, { from: [itself, 7000], to: [itself, 5001] });
  await prepareConnections(images, { endOuter: false });
  expect(sockets()).toEqual([
    [established, 7000, 5000, 0],
    [closed, 0, 0, 3],
  ]);
});
