import { fieldsOf } from "./images.ts";

/** Field numbers of CRIU's fdinfo.proto and sk-inet.proto. */
export const inetSocket = 4;
export const socketFields = {
  inode: 2,
  protocol: 5,
  state: 6,
  fromPort: 7,
  toPort: 8,
  flags: 9,
  from: 11,
  to: 12,
  v6Only: 15,
  shutdown: 19,
} as const;

/** States of the kernel's TCP. */
export const tcpState = { established: 1, connecting: 2, closed: 7 } as const;
const tcp = 6;

/** A TCP socket that is connected, or about to be. */
export interface Connection {
  inode: number;
  state: number;
  /** Address and port, an IPv4 address in one way only. */
  from: string;
  to: string;
  toPort: number;
  isLoopback: boolean;
}

/** The connection that one message of files.img tells of, if it does of one. */
export function connectionOf(message: Uint8Array): Connection | undefined {
  const socket = fieldsOf(message).bytes(inetSocket);
  if (!socket) return undefined;
  const found = fieldsOf(socket);
  const value = (field: keyof typeof socketFields) => Number(found.number(socketFields[field]));
  const toPort = value("toPort");
  if (value("protocol") !== tcp || toPort === 0) return undefined;
  const [from, to] = [plainAddress(found.numbers(socketFields.from)), plainAddress(found.numbers(socketFields.to))];
  return {
    inode: value("inode"),
    state: value("state"),
    from: `${from.text}:${value("fromPort")}`,
    to: `${to.text}:${toPort}`,
    toPort,
    isLoopback: from.isLoopback && to.isLoopback,
  };
}

/** An address in words as the network has them; one of IPv4 may be written within one of IPv6. */
function plainAddress(words: bigint[]): { text: string; isLoopback: boolean } {
  const bytes = Buffer.from(Uint32Array.from(words, Number).buffer).toString("hex");
  const text = bytes.match(/^0{20}ffff([0-9a-f]{8})$/)?.[1] ?? bytes;
  return { text, isLoopback: text.length === 8 ? text.startsWith("7f") : /^0{31}1$/.test(text) };
}
