import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { Host } from "../../host/host.ts";

/**
 * What a container that goes on from a checkpoint is created from: the image that the checkpoint's files lie over, by its name only
 * where that is still its own.
 * @throws preflight-failed where the image is gone
 */
export async function imageOf({ engine, name }: Host, record: CheckpointRecord): Promise<string> {
  const { image, imageId, imageLayers } = record;
  const layers = imageLayers.length > 0 ? imageLayers : ((await engine.imageLayers(imageId)) ?? []);
  const found = await engine.findImage({ reference: image, id: imageId, layers });
  if (found !== undefined) return found;
  throw new GodwitError(
    "preflight-failed",
    `The image of checkpoint '${record.name}' of '${record.container}' is not on ${name} any more: ${image} was ${imageId} then.`,
    { hint: "Bring it back, for instance with docker pull or docker load. Nothing was changed." },
  );
}
