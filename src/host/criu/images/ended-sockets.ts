import type { inet_sk_entry } from "../proto/generated/sk-inet_pb.ts";
import { sk_shutdown } from "../proto/generated/sk-opts_pb.ts";
import { type Connection, tcpState } from "./inet-sockets.ts";

/** O_NONBLOCK, among the flags of a file. */
const nonBlocking = 0o4000;
/** A port that no program is expected to serve. A program that does serve it never sees these sockets. */
const nowherePort = 1;
const [loopback, withinIPv6] = [0x0100007f, [0, 0, 0xffff0000]];

/**
 * Changes the image of a socket so that its connection has ended: its owner reads the end of the stream and cannot write. Use it for
 * a connection whose other end cannot be reached any more. There are two exceptions while the socket is still connecting:
 * - An owner that waits in connect() connects again after the restore.
 * - An owner that waits until the socket is ready gets a reset. An ended socket would look connected to it; Go then finds no peer and
 *   waits for ever.
 */
export function endSocket(socket: inet_sk_entry): void {
  const isConnecting = socket.state === tcpState.connecting;
  const isWaitedFor = isConnecting && (socket.flags & nonBlocking) === 0;
  if (isConnecting && !isWaitedFor && !socket.v6only) {
    connectToNowhere(socket);
    return;
  }
  // Without ports CRIU restores a socket without a connection.
  socket.state = tcpState.closed;
  socket.srcPort = 0;
  socket.dstPort = 0;
  if (!isWaitedFor) socket.shutdown = sk_shutdown.BOTH;
}

/** Whether `endSocket` has made this connection, which the kernel resets as soon as it is restored. */
export const isToNowhere = ({ isLoopback, toPort }: Connection): boolean => isLoopback && toPort === nowherePort;

/**
 * Connects a socket to a port that no program serves. The kernel sends a packet on each restored connection; this one gets a reset as
 * the answer.
 */
function connectToNowhere(socket: inet_sk_entry): void {
  const isIPv6 = socket.srcAddr.length > 1;
  const address = isIPv6 ? [...withinIPv6, loopback] : [loopback];
  socket.state = tcpState.established;
  socket.dstPort = nowherePort;
  socket.srcAddr = [...address];
  socket.dstAddr = [...address];
}
