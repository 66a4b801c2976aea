import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { Engine } from "../../host/engine/engine.ts";

/**
 * Refuses a volume that another running container has mounted: the checkpoint's files replace the volume's folder, and the other
 * container would keep the old folder. Call it before anything begins, and again before the files are replaced, because somebody can
 * start a container meanwhile.
 * @throws unsupported-container. The message names the other container.
 */
export async function refuseSharedVolumes(
  engine: Engine,
  { name, container }: Pick<CheckpointRecord, "name" | "container">,
  volumes: string[],
  own: (string | null | undefined)[],
): Promise<void> {
  for (const volume of volumes) {
    const users = await engine.volumeUsers(volume);
    const other = users.find(
      ({ Id, State }) => !own.includes(Id) && ["running", "paused", "restarting"].includes(State),
    );
    if (!other) continue;
    const user = other.Names[0]?.replace(/^\//, "") ?? other.Id.slice(0, 12);
    throw new GodwitError(
      "unsupported-container",
      `Checkpoint '${name}' of '${container}' replaces the volume '${volume}', but the running container '${user}' uses it.`,
      { hint: `Stop that container first: docker stop ${user}` },
    );
  }
}

/** Names of the volumes in a checkpoint. */
export const savedVolumes = ({ trees }: CheckpointRecord): string[] =>
  trees.filter(({ kind }) => kind === "volume").map(({ name }) => name);
