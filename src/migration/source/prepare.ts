import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { roomOnSource } from "../../checks/image-room.ts";
import { migrationProtocol } from "../../contract/peer/protocol.ts";
import { dockerInitOf } from "../../host/container/docker-init.ts";
import type { ImageArchive } from "../../host/engine/engine.ts";
import { reserveImageSpace } from "../../host/restore/image-space.ts";
import { runcContainer } from "../../host/runtime/runc.ts";
import { callPeer, uploadToPeer } from "../../transport/peer-calls.ts";
import { limitedSource } from "../../transport/streams/rate-limit.ts";
import type { Move } from "./move.ts";

/** Sends what the destination lacks (the image, Docker's init), and has the container created there. */
export async function prepare(move: Move): Promise<void> {
  const { checked, context, heartbeat, host, peer, record, signal, undo } = move;
  heartbeat.start();
  move.running = await runcContainer(record.containerId);
  move.space = await reserveImageSpace(
    `source-${record.migration}`,
    roomOnSource(checked.facts, checked.facts.shared, checked.leavesMemoryOut),
  );
  undo.defer(() => move.space.release());
  move.dockerRoot = await host.dockerRoot();
  move.files = {
    migration: record.migration,
    peer,
    trees: checked.trees,
    counter: move.counter,
    onlyContents: new Map(),
  };
  if (checked.plan.sendsImage) await context.step("send image", {}, () => bringImage(move));
  const init = await dockerInitOf(move.running.pid);
  if (init) await sendInit(move, init);
  move.enter("prepare", `Creating the container on ${peer.name}`);
  const created = await context.step("create container", {}, () =>
    callPeer(peer, migrationProtocol.create, { migration: record.migration }, {}, { signal }),
  );
  move.createdId = created.id;
}

async function sendInit({ counter, peer, record, signal }: Move, path: string): Promise<void> {
  counter.sent += (await stat(path)).size;
  const { migration } = record;
  await uploadToPeer(peer, migrationProtocol.sendInit, { migration }, {}, createReadStream(path), { signal });
}

/** From its registry, if the destination reaches that; otherwise from here, without the layers that it has. */
async function bringImage(move: Move): Promise<void> {
  const { host, checked, peer, record, signal } = move;
  const { image, imageId } = checked.facts;
  const digests = await host.engine.repositoryDigests(imageId);
  if (digests.length > 0) move.enter("prepare", `Asking ${peer.name} to fetch the image ${image} from its registry`);
  const { migration } = record;
  const { fetched, layers } = await callPeer(
    peer,
    migrationProtocol.bringImage,
    { migration },
    { digests },
    {
      signal,
      timeoutMs: 0,
    },
  );
  if (fetched) return;
  // Send it by name if the name still means this image, otherwise by id.
  const reference = (await host.engine.imageId(image)) === imageId ? image : undefined;
  try {
    const packed = await host.engine.packImage({ id: imageId, reference, without: layers });
    move.enter("prepare", `Sending the image ${image}${layers.length > 0 ? `, without ${layersThere(layers)}` : ""}`);
    await sendImage(move, packed);
  } catch (error) {
    signal.throwIfAborted();
    move.enter("prepare", `Sending the image ${image} as a whole: ${(error as Error).message}`);
    await sendImage(move, await host.engine.savedImage({ id: imageId, reference }));
  }
}

const layersThere = ({ length }: string[]) => `${length} ${length === 1 ? "layer that is" : "layers that are"} there`;

async function sendImage(move: Move, { bytes: total, open }: ImageArchive): Promise<void> {
  const { controls, counter, peer, record, reports, signal } = move;
  const paced = limitedSource(await open(), controls.syncRate, (bytes) => {
    counter.sent += bytes;
  });
  const { migration } = record;
  await reports.during({ phase: "prepare", total }, () =>
    uploadToPeer(peer, migrationProtocol.sendImage, { migration }, {}, paced, { signal }),
  );
}
