import { randomUUID } from "node:crypto";
import type { CheckpointSource } from "../checkpoint/container/restore-from.ts";
import type { CheckpointDeps } from "../checkpoint/deps.ts";
import type { CheckpointFolder } from "../checkpoint/store/store.ts";
import { packCheckpoint } from "../checkpoint/store/transfer.ts";
import type { WantedImage } from "../contract/peer/messages.ts";
import { historyProtocol } from "../contract/peer/protocol.ts";
import type { RunResult } from "../contract/routes.ts";
import { containerName } from "../host/container/facts.ts";
import type { ImageArchive } from "../host/engine/engine.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { Host } from "../host/host.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import type { Peer } from "../transport/peer.ts";
import { callPeer, uploadToPeer } from "../transport/peer-calls.ts";
import { tunnelPort } from "./source/transfer/tunnel-port.ts";

/**
 * A container's kept checkpoints follow it to the host that it moved to, and go from here. Those of another container, which had
 * its name before, stay.
 */
export async function sendHistory(
  { store }: CheckpointDeps,
  moved: ContainerInspect,
  peer: Peer,
  context: OperationContext,
): Promise<void> {
  const container = containerName(moved);
  const all = await store.list(container);
  const belong = await Promise.all(all.map((record) => store.belongs(record, moved.Id)));
  const records = all.filter((_, index) => belong[index]);
  if (records.length > 0) context.phase("finish", `Sending ${records.length} checkpoints after the container`);
  for (const { name } of records) {
    try {
      await sendFiles(peer, store.folder(container, name), (transfer) =>
        callPeer(peer, historyProtocol.keepCheckpoint, {}, { container, name, transfer }, { timeoutMs: 0 }),
      );
      await store.remove(container, name);
    } catch (error) {
      context.warn(
        `Checkpoint '${name}' stayed behind: ${(error as Error).message}`,
        `It is on the source still: godwit checkpoint ls ${container}`,
      );
    }
  }
}

/** Runs a clone on another host: sends the image where it is lacking, then the checkpoint, and waits until it runs. */
export async function cloneTo(
  host: Host,
  peer: Peer,
  source: CheckpointSource,
  name: string,
  context: OperationContext,
): Promise<RunResult> {
  const { image, imageId } = source.record;
  context.phase("prepare", `Looking for the image ${image} on ${peer.name}`);
  const wanted: WantedImage = { reference: image, id: imageId, layers: (await host.engine.imageLayers(imageId)) ?? [] };
  const { present, layers } = await callPeer(peer, historyProtocol.checkImage, {}, wanted);
  if (!present) {
    context.phase("prepare", `Sending the image ${image}`);
    await context.step("send image", {}, () => sendImage(host, peer, wanted, layers));
  }
  context.phase("sync", `Sending the checkpoint to ${peer.name}, where the clone goes on from it`);
  return context.step("send and run", {}, () =>
    sendFiles(peer, source.folder, (transfer) =>
      callPeer(peer, historyProtocol.clone, {}, { name, image: wanted, transfer }, { timeoutMs: 0 }),
    ),
  );
}

/** Asks for something that needs a checkpoint's files, by the id of their transfer, and sends them. @returns the answer */
async function sendFiles<T>(peer: Peer, folder: CheckpointFolder, ask: (transfer: string) => Promise<T>): Promise<T> {
  const transfer = randomUUID();
  const counter = { sent: 0, received: 0 };
  const tunnel = await tunnelPort(peer, historyProtocol.checkpointFiles, { transfer }, { counter });
  try {
    const answer = ask(transfer);
    // Nobody takes the files then; the error itself is thrown below.
    answer.catch(() => tunnel.close());
    const [answered, sent] = await Promise.allSettled([answer, packCheckpoint(folder, tunnel.port)]);
    // rsync on this side says why; on the other side it only knows that something did not arrive.
    const unsent = answered.status === "rejected" && answered.reason?.code === "command-failed";
    if (sent.status === "rejected" && (unsent || answered.status === "fulfilled")) throw sent.reason;
    if (answered.status === "rejected") throw answered.reason;
    return answered.value;
  } finally {
    await tunnel.close();
  }
}

async function sendImage(host: Host, peer: Peer, { reference, id }: WantedImage, without: string[]): Promise<void> {
  const { engine } = host;
  const image = { id, reference: (await engine.imageId(reference)) === id ? reference : undefined };
  const send = async (archive: ImageArchive) =>
    uploadToPeer(peer, historyProtocol.loadImage, {}, {}, await archive.open());
  const packed = await engine.packImage({ ...image, without }).catch(() => undefined);
  await send(packed ?? (await engine.savedImage(image)));
}
