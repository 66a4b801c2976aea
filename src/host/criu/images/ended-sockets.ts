import type { inet_sk_entry } from "../proto/generated/sk-inet_pb.ts";
import { sk_shutdown } from "../proto/generated/sk-opts_pb.ts";
import { type Connection, tcpState } from "./inet-sockets.ts";

/** O_NONBLOCK of the flags of a file. */
const nonBlocking = 0o4000;
/** No program serves it; if one does, it has nothing to do with what only seems to be connected to it. */
const nowherePort = 1;
const [loopback, withinIPv6] = [0x0100007f, [0, 0, 0xffff0000]];

/**
 * Ends a connection whose other end cannot be reached any more: its owner reads the end of the stream and cannot write. There are
 * two exceptions while the connection is not made yet. An owner that waits within connect() connects anew after the restore. An
 * owner that waits until the socket is ready gets a reset: an ended socket would look connected to it, and Go, which then finds no
 * peer, would wait for ever.
 */
export function endSocket(socket: inet_sk_entry): void {
  const isConnecting = socket.state === tcpState.connecting;
  const isWaitedFor = isConnecting && (socket.flags & nonBlocking) === 0;
  if (isConnecting && !isWaitedFor && !socket.v6only) {
    connectToNowhere(socket);
    return;
  }
  // Without ports CRIU makes a socket that is connected to nothing.
  socket.state = tcpState.closed;
  socket.srcPort = 0;
  socket.dstPort = 0;
  if (!isWaitedFor) socket.shutdown = sk_shutdown.BOTH;
}

/** Whether a connection is one of ours that is reset as soon as it is restored. */
export const isToNowhere = ({ isLoopback, toPort }: Connection): boolean => isLoopback && toPort === nowherePort;

/** The kernel tells the other end of each connection that it is restored; where there is none, it answers with a reset. */
function connectToNowhere(socket: inet_sk_entry): void {
  const isIPv6 = socket.srcAddr.length > 1;
  const address = isIPv6 ? [...withinIPv6, loopback] : [loopback];
  socket.state = tcpState.established;
  socket.dstPort = nowherePort;
  socket.srcAddr = [...address];
  socket.dstAddr = [...address];
}
