import type { CheckpointRecord } from "../../contract/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { Engine } from "../../host/engine/engine.ts";

/**
 * To be called before anything begins, and again before the files take their places: somebody may have started a container meanwhile. A checkpoint's files take the place of a volume's as a whole, which another container that has it mounted does not see.
 * @throws unsupported-container that names the other one
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
      `Checkpoint '${name}' of '${container}' brings the volume '${volume}' back, which '${user}' uses and runs.`,
      { hint: `Stop that one first: docker stop ${user}` },
    );
  }
}

/** Names of the volumes that a checkpoint holds. */
export const savedVolumes = ({ trees }: CheckpointRecord): string[] =>
  trees.filter(({ kind }) => kind === "volume").map(({ name }) => name);
