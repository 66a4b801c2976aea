import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { fieldsOf, withFields } from "./images.ts";
import { type Connection, socketFields as fields, inetSocket, tcpState } from "./inet-sockets.ts";

/** SK_SHUTDOWN of sk-inet.proto: neither reads nor writes. */
const both = 3;
/** O_NONBLOCK of the flags of a file. */
const nonBlocking = 0o4000;
/** No program serves it; if one does, it has nothing to do with what only seems to be connected to it. */
const nowherePort = 1;
const [loopback, withinIPv6] = [0x0100007f, [0, 0, 0xffff0000]];

/**
 * A message of files.img with a connection whose other end is out of reach from now on, as one that has ended. Its owner reads an
 * end, and cannot write. Where it still waits for the connection within connect(), that call goes on after the restore, and
 * connects anew; where it waits for the socket to become ready, it hears of a reset. An ended socket would tell it that all went
 * well, and Go, which then finds no peer, would wait on.
 */
export function withEndedSocket(message: Uint8Array): Uint8Array {
  const socket = fieldsOf(message).bytes(inetSocket) ?? new Uint8Array();
  const found = fieldsOf(socket);
  const isConnecting = Number(found.number(fields.state)) === tcpState.connecting;
  const isWaitedFor = isConnecting && (Number(found.number(fields.flags)) & nonBlocking) === 0;
  if (isWaitedFor) return withSocket(message, socket, unconnected);
  if (!isConnecting || found.number(fields.v6Only) !== 0n)
    return withSocket(message, socket, [...unconnected, [fields.shutdown, both]]);
  const isIPv6 = found.numbers(fields.from).length > 1;
  return withSocket(message, socket, connectedToNowhere(isIPv6 ? [...withinIPv6, loopback] : [loopback]));
}

/** Whether a connection is one of ours that is reset as soon as it is restored. */
export const isToNowhere = ({ isLoopback, toPort }: Connection): boolean => isLoopback && toPort === nowherePort;

type Values = [field: number, value: number][];

/** Without ports CRIU makes a socket that is connected to nothing. */
const unconnected: Values = [
  [fields.state, tcpState.closed],
  [fields.fromPort, 0],
  [fields.toPort, 0],
];

/** The kernel tells the other end of each connection that it is restored; where there is none, it answers with a reset. */
const connectedToNowhere = (address: number[]): Values => [
  [fields.state, tcpState.established],
  [fields.toPort, nowherePort],
  ...[fields.from, fields.to].flatMap((field) => address.map((word): [number, number] => [field, word])),
];

function withSocket(message: Uint8Array, socket: Uint8Array, values: Values): Uint8Array {
  const encoded = values.map(([field, value]) => [field, new BinaryWriter().uint32(value).finish()] as const);
  const changed = withFields(socket, WireType.Varint, encoded);
  return withFields(message, WireType.LengthDelimited, [[inetSocket, new BinaryWriter().bytes(changed).finish()]]);
}
