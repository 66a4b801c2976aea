import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import * as z from "zod";
import { cloneContainer } from "../checkpoint/clone.ts";
import type { CheckpointSource } from "../checkpoint/container/restore-from.ts";
import type { CheckpointDeps } from "../checkpoint/deps.ts";
import { verifySeal } from "../checkpoint/store/manifest.ts";
import type { CheckpointFolder } from "../checkpoint/store/store.ts";
import { packCheckpoint, unpackCheckpoint } from "../checkpoint/store/transfer.ts";
import { contentDigest, imageReference } from "../contract/name-schemas.ts";
import { type RunResult, runResult } from "../contract/routes.ts";
import { apiPrefix } from "../contract/version.ts";
import { containerName } from "../host/container/facts.ts";
import { findImage, type WantedImage } from "../host/engine/images/find-image.ts";
import { type ImageArchive, packImage, savedImage } from "../host/engine/images/image-archive.ts";
import { layersThere } from "../host/engine/images/image-layers.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { Host } from "../host/host.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import type { Peer } from "../transport/peer.ts";
import { tunnelPort } from "./source/wire.ts";

/** Checkpoints on their way to another host: with a container that moved, or for a clone there. */
export const historyPaths = {
  image: `${apiPrefix}/peer/images`,
  imageCheck: `${apiPrefix}/peer/images/check`,
  checkpoint: `${apiPrefix}/peer/checkpoints`,
  clone: `${apiPrefix}/peer/clones`,
  /** Tunnel for the files of the request that names the same transfer. */
  files: (transfer: string) => `${apiPrefix}/peer/checkpoint-files/${transfer}`,
};

/** `layers`: of a missing image, those that need not be sent. */
const imageCheckAnswer = z.object({ present: z.boolean(), layers: z.array(contentDigest) });

export const wantedImage = z.object({
  reference: imageReference,
  id: contentDigest,
  layers: z.array(contentDigest),
});

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
    const query = new URLSearchParams({ container, name });
    try {
      await sendCheckpoint(peer, historyPaths.checkpoint, query, store.folder(container, name));
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
  const wanted: WantedImage = { reference: image, id: imageId, layers: (await host.docker.imageLayers(imageId)) ?? [] };
  const { present, layers } = imageCheckAnswer.parse(await peer.json("POST", historyPaths.imageCheck, wanted));
  if (!present) {
    context.phase("prepare", `Sending the image ${image}`);
    await context.step("send image", {}, () => sendImage(host, peer, wanted, layers));
  }
  context.phase("sync", `Sending the checkpoint to ${peer.name}, where the clone goes on from it`);
  const query = new URLSearchParams({ name, image: JSON.stringify(wanted) });
  const reply = await context.step("send and run", {}, () =>
    sendCheckpoint(peer, historyPaths.clone, query, source.folder),
  );
  return runResult.parse(reply);
}

/** Asks for something that needs a checkpoint's files, and sends them. @returns the answer */
async function sendCheckpoint(
  peer: Peer,
  path: string,
  query: URLSearchParams,
  folder: CheckpointFolder,
): Promise<unknown> {
  const transfer = randomUUID();
  const tunnel = await tunnelPort(peer, historyPaths.files(transfer), { sent: 0, received: 0 });
  try {
    const asked = new URLSearchParams([...query, ["transfer", transfer]]);
    const answer = peer.json("POST", `${path}?${asked}`, undefined, { timeoutMs: 0 });
    // Nobody takes the files then.
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
  const { docker } = host;
  const image = { id, reference: (await docker.imageId(reference)) === id ? reference : undefined };
  const send = async (archive: ImageArchive) => peer.upload(historyPaths.image, await archive.open());
  const packed = await packImage(docker, await host.dockerRoot(), { ...image, without }).catch(() => undefined);
  await send(packed ?? (await savedImage(docker, image)));
}

/** The other side of `sendHistory`. @throws invalid-checkpoint where it did not arrive as it was sent */
export async function receiveCheckpoint(
  { host, store }: CheckpointDeps,
  container: string,
  name: string,
  stream: Duplex,
): Promise<void> {
  await unpackCheckpoint(store, container, name, stream, async (folder, record) => {
    await verifySeal(folder.path, `Checkpoint '${name}' of '${container}'`);
    const present = await host.docker.find(container);
    if (present) await store.join(container, [record.containerId], present.Id);
    return { keep: true, value: undefined };
  });
}

/** Says to `cloneTo` whether its image is here, and what of it need not be sent otherwise. */
export async function checkImage({ docker }: Host, wanted: WantedImage): Promise<z.infer<typeof imageCheckAnswer>> {
  const present = (await findImage(docker, wanted)) !== undefined;
  return { present, layers: present ? [] : await layersThere(docker, wanted.layers) };
}

/** The other side of `cloneTo`. */
export async function receiveClone(
  deps: CheckpointDeps,
  name: string,
  wanted: WantedImage,
  stream: Duplex,
  context: OperationContext,
): Promise<RunResult> {
  return unpackCheckpoint(deps.store, name, `arriving-${context.id}`, stream, async (folder, record) => {
    const imageRef = await findImage(deps.host.docker, wanted);
    const value = await cloneContainer(
      deps,
      { folder, record: { ...record, image: imageRef ?? record.image } },
      name,
      context,
    );
    return { keep: false, value };
  });
}
