import type { file_entry } from "../proto/generated/fdinfo_pb.ts";

/** States of the kernel's TCP. */
export const tcpState = { established: 1, connecting: 2, halfClosed: 5, closed: 7, closedByPeer: 8 } as const;
const tcp = 6;

/** A TCP socket that is connected or connecting. */
export interface Connection {
  inode: number;
  state: number;
  /** Address and port in hexadecimal and decimal. An IPv4 address has the same text in an IPv4 and in an IPv6 socket. */
  from: string;
  to: string;
  toPort: number;
  isLoopback: boolean;
}

/** The TCP connection in one message of files.img; undefined where it has none. */
export function connectionOf({ isk: socket }: file_entry): Connection | undefined {
  if (!socket || socket.proto !== tcp || socket.dstPort === 0) return undefined;
  const [from, to] = [plainAddress(socket.srcAddr), plainAddress(socket.dstAddr)];
  return {
    inode: socket.ino,
    state: socket.state,
    from: `${from.text}:${socket.srcPort}`,
    to: `${to.text}:${socket.dstPort}`,
    toPort: socket.dstPort,
    isLoopback: from.isLoopback && to.isLoopback,
  };
}

/** `words` are in network byte order. An IPv4 address may be inside an IPv6 one (`::ffff:1.2.3.4`). */
function plainAddress(words: number[]): { text: string; isLoopback: boolean } {
  const bytes = Buffer.from(Uint32Array.from(words).buffer).toString("hex");
  const text = bytes.match(/^0{20}ffff([0-9a-f]{8})$/)?.[1] ?? bytes;
  return { text, isLoopback: text.length === 8 ? text.startsWith("7f") : /^0{31}1$/.test(text) };
}
