import type { Duplex, Readable } from "node:stream";
import { cloneContainer } from "../checkpoint/clone.ts";
import type { CheckpointDeps } from "../checkpoint/deps.ts";
import { verifySeal } from "../checkpoint/store/manifest.ts";
import { ArrivingStreams, unpackCheckpoint } from "../checkpoint/store/transfer.ts";
import { errorFromReport } from "../contract/errors.ts";
import type { WantedImage } from "../contract/peer/messages.ts";
import type { historyProtocol } from "../contract/peer/protocol.ts";
import { type RunResult, runResult } from "../contract/routes.ts";
import type { OperationContext } from "../operations/operation-context.ts";
import type { Operations } from "../operations/operations.ts";
import type { PeerHandlers } from "../transport/peer-server.ts";

/** The other side of history.ts: checkpoints that arrive here, with a container that moved or for a clone. */
export function receiveHistory(deps: CheckpointDeps, operations: Operations): PeerHandlers<typeof historyProtocol> {
  const { engine } = deps.host;
  const arriving = new ArrivingStreams();
  return {
    async checkImage({ body }) {
      const present = (await engine.findImage(body)) !== undefined;
      return { present, layers: present ? [] : await engine.layersThere(body.layers) };
    },
    loadImage: ({ stream }: { stream: Readable }) => engine.loadImages(stream),
    async keepCheckpoint({ body: { container, name, transfer } }) {
      await keepCheckpoint(deps, container, name, arriving.take(transfer));
      return {};
    },
    async clone({ body: { name, image, transfer } }) {
      const files = arriving.take(transfer);
      const spec = { kind: "clone", container: name, cancellable: false } as const;
      const { id } = operations.start(spec, (context) => receiveClone(deps, name, image, files, context));
      const ended = await operations.wait(id);
      if (ended.error) throw errorFromReport(ended.error);
      return runResult.parse(ended.result);
    },
    async checkpointFiles({ params, stream }) {
      await arriving.keep(params.transfer ?? "", stream);
    },
  };
}

/** @throws invalid-checkpoint where it did not arrive as it was sent */
async function keepCheckpoint(
  { host, store }: CheckpointDeps,
  container: string,
  name: string,
  stream: Duplex,
): Promise<void> {
  await unpackCheckpoint(store, container, name, stream, async (folder, record) => {
    await verifySeal(folder.path, `Checkpoint '${name}' of '${container}'`);
    const present = await host.engine.find(container);
    if (present) await store.join(container, [record.containerId], present.Id);
    return { keep: true, value: undefined };
  });
}

async function receiveClone(
  deps: CheckpointDeps,
  name: string,
  wanted: WantedImage,
  stream: Duplex,
  context: OperationContext,
): Promise<RunResult> {
  return unpackCheckpoint(deps.store, name, `arriving-${context.id}`, stream, async (folder, record) => {
    const imageRef = await deps.host.engine.findImage(wanted);
    const value = await cloneContainer(
      deps,
      { folder, record: { ...record, image: imageRef ?? record.image } },
      name,
      context,
    );
    return { keep: false, value };
  });
}
