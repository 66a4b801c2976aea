import type { Host } from "../../host/host.ts";
import type { OperationContext } from "../../journal/operation-context.ts";
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
}

/** Delivers the image where it is lacking, and has the container created. @returns the id of the container there */
export async function prepare(input: PrepareInput, context: OperationContext): Promise<string> {
  const { peer, migration } = input.sync;
  if (input.checked.plan.sendsImage) await context.step("send image", {}, () => sendImage(input, context));
  context.phase("prepare", `Creating the container on ${peer.name}`);
  const created = await context.step("create container", {}, () =>
    peer.json("POST", peerPaths.create(migration), {}, { signal: input.signal }),
  );
  return (created as { id: string }).id;
}

async function sendImage({ host, checked, sync, controls, reports, signal }: PrepareInput, context: OperationContext) {
  const { image, imageId } = checked.facts;
  context.phase("prepare", `Sending the image ${image}`);
  // By its name, so that it has it there as well; by its id where the name has been given to another image since.
  const named = (await host.docker.imageId(image)) === imageId;
  const total = await host.docker.imageBytes(imageId);
  const saved = await host.docker.saveImage(named ? image : imageId);
  const paced = limitedSource(saved, controls.syncRate, (bytes) => {
    sync.counter.sent += bytes;
  });
  await reports.during({ phase: "prepare", total }, () =>
    sync.peer.upload(peerPaths.image(sync.migration), paced, { signal }),
  );
}
