import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type ImageQuestion, imageAnswer } from "../../contract/migration.ts";
import { dockerInitOf } from "../../host/container/docker-init.ts";
import type { ImageArchive } from "../../host/engine/engine.ts";
import type { Host } from "../../host/host.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import { limitedSource } from "../../transport/rate-limit.ts";
import type { MigrationControls } from "../controls.ts";
import { peerPaths } from "../peer-paths.ts";
import type { Checked } from "./check.ts";
import type { FileSync } from "./files.ts";
import type { ProgressReports } from "./progress-reports.ts";

export interface PrepareInput {
  host: Host;
  checked: Checked;
  sync: FileSync;
  controls: MigrationControls;
  reports: ProgressReports;
  signal: AbortSignal;
  /** Of the container's first process. */
  pid: number;
}

/** Delivers the image where it is lacking, and Docker's init, and has the container created. @returns its id there */
export async function prepare(input: PrepareInput, context: OperationContext): Promise<string> {
  const { peer, migration } = input.sync;
  if (input.checked.plan.sendsImage) await context.step("send image", {}, () => bringImage(input, context));
  const init = await dockerInitOf(input.pid);
  if (init) await sendInit(input, init);
  context.phase("prepare", `Creating the container on ${peer.name}`);
  const created = await context.step("create container", {}, () =>
    peer.json("POST", peerPaths.create(migration), {}, { signal: input.signal }),
  );
  return (created as { id: string }).id;
}

async function sendInit({ sync, signal }: PrepareInput, path: string): Promise<void> {
  sync.counter.sent += (await stat(path)).size;
  await sync.peer.upload(peerPaths.init(sync.migration), createReadStream(path), { signal });
}

/** From its registry, if the destination can reach that; otherwise from here, without the layers that it has. */
async function bringImage(input: PrepareInput, context: OperationContext): Promise<void> {
  const { host, checked, sync, signal } = input;
  const { image, imageId } = checked.facts;
  const digests = await host.engine.repositoryDigests(imageId);
  if (digests.length > 0)
    context.phase("prepare", `Asking ${sync.peer.name} to fetch the image ${image} from its registry`);
  const question: ImageQuestion = { digests };
  const answer = await sync.peer.json("POST", peerPaths.imageQuestion(sync.migration), question, {
    signal,
    timeoutMs: 0,
  });
  const { fetched, layers } = imageAnswer.parse(answer);
  if (fetched) return;
  // By its name, so that it has it there as well; by its id where the name has been given to another image since.
  const reference = (await host.engine.imageId(image)) === imageId ? image : undefined;
  try {
    const packed = await host.engine.packImage({ id: imageId, reference, without: layers });
    context.phase(
      "prepare",
      `Sending the image ${image}${layers.length > 0 ? `, without ${layersThere(layers)}` : ""}`,
    );
    await sendImage(input, packed);
  } catch (error) {
    signal.throwIfAborted();
    context.phase("prepare", `Sending the image ${image} as a whole: ${(error as Error).message}`);
    await sendImage(input, await host.engine.savedImage({ id: imageId, reference }));
  }
}

const layersThere = ({ length }: string[]) => `${length} ${length === 1 ? "layer that is" : "layers that are"} there`;

async function sendImage(
  { sync, controls, reports, signal }: PrepareInput,
  { bytes: total, open }: ImageArchive,
): Promise<void> {
  const paced = limitedSource(await open(), controls.syncRate, (bytes) => {
    sync.counter.sent += bytes;
  });
  await reports.during({ phase: "prepare", total }, () =>
    sync.peer.upload(peerPaths.image(sync.migration), paced, { signal }),
  );
}
