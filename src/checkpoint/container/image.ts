import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { Host } from "../../host/host.ts";

/**
 * Reference of the image that a checkpoint's files belong to. A new container is created from it. It is the image's name if the name
 * still means this image.
 * @throws preflight-failed if the image is gone
 */
export async function imageOf({ engine, name }: Host, record: CheckpointRecord): Promise<string> {
  const { image, imageId, imageLayers } = record;
  const layers = imageLayers.length > 0 ? imageLayers : ((await engine.imageLayers(imageId)) ?? []);
  const found = await engine.findImage({ reference: image, id: imageId, layers });
  if (found !== undefined) return found;
  throw new GodwitError(
    "preflight-failed",
    `The image of checkpoint '${record.name}' of '${record.container}' is not on ${name} any more: ${image} was ${imageId} at that time.`,
    { hint: "Bring the image back, for instance with docker pull or docker load. Nothing was changed." },
  );
}
