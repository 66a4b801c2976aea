import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { file_entrySchema } from "../proto/generated/fdinfo_pb.ts";
import { tcp_stream_entrySchema } from "../proto/generated/tcp-stream_pb.ts";
import { endSocket, isToNowhere } from "./ended-sockets.ts";
import { editImage, imageOf, magicOf, messagesIn, readImage } from "./images.ts";
import { type Connection, connectionOf, tcpState } from "./inet-sockets.ts";

/**
 * Prepares the TCP connections of a dump for its restore. A connection over the loopback between the container's own processes goes
 * on, because the dump has both ends. A loopback connection without its other end (of a `docker exec` session, or not accepted yet)
 * becomes an ended one.
 * @param images folder of the dump
 * @param options `endOuter` also ends all connections that are not over the loopback
 */
export async function prepareConnections(images: string, { endOuter }: { endOuter: boolean }): Promise<void> {
  const path = join(images, "files.img");
  const image = await readFile(path);
  const { inner, outer, halves } = tellApart(readImage(file_entrySchema, image).map(connectionOf));
  for (const { inode } of inner) await takeForSent(join(images, `tcp-stream-${inode.toString(16)}.img`));
  const over = endOuter ? outer : halves;
  if (over.size === 0) return;
  const changed = editImage(file_entrySchema, image, ({ isk }, index) => {
    if (!isk || !over.has(index)) return false;
    endSocket(isk);
    return true;
  });
  if (changed) await writeFile(path, changed);
}

/** Whether a dump has connections that must end where the container lacks its old addresses, as a checkpoint of Docker's own can have. */
export async function hasOuterConnections(images: string): Promise<boolean> {
  const files = readImage(file_entrySchema, await readFile(join(images, "files.img")));
  return tellApart(files.map(connectionOf)).outer.size > 0;
}

/**
 * Sorts connections: `inner` ones have both ends here; `outer` is the indices of all others; `halves` is the indices of loopback
 * connections without their other end.
 */
function tellApart(all: (Connection | undefined)[]) {
  // One direction of a connection may have ended. The other one goes on.
  const open: number[] = [tcpState.established, tcpState.halfClosed, tcpState.closedByPeer];
  const isOpen = ({ isLoopback, state }: Connection) => isLoopback && open.includes(state);
  const known = new Set(all.map((each) => each && isOpen(each) && `${each.from} ${each.to}`));
  const isInner = (each: Connection) => isOpen(each) && known.has(`${each.to} ${each.from}`);
  const isOuter = (each: Connection) => !isInner(each) && !(isToNowhere(each) && each.state === tcpState.established);
  // What has ended can still be read, also without its other end.
  const isHalf = (each: Connection) => isOuter(each) && each.isLoopback && each.state === tcpState.established;
  const places = (are: (each: Connection) => boolean) =>
    new Set(all.flatMap((each, index) => (each && are(each) ? [index] : [])));
  return {
    inner: all.filter((each) => each !== undefined).filter(isInner),
    outer: places(isOuter),
    halves: places(isHalf),
  };
}

/**
 * Marks the unsent bytes of a socket as sent. CRIU would send them while it makes the sockets, when the other end may not exist yet.
 * Bytes that count as sent are not lost: the kernel repeats them later.
 */
async function takeForSent(path: string): Promise<void> {
  const image = await readFile(path);
  // The bytes of the queues follow the message.
  const [encoded] = messagesIn(image);
  if (!encoded) return;
  const stream = fromBinary(tcp_stream_entrySchema, encoded);
  if (stream.unsqLen === 0) return;
  stream.unsqLen = 0;
  const queues = image.subarray(imageOf(magicOf(image), [encoded]).length);
  const changed = imageOf(magicOf(image), [toBinary(tcp_stream_entrySchema, stream)]);
  await writeFile(path, Buffer.concat([changed, queues]));
}
