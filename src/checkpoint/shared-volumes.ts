import type { CheckpointRecord } from "../contract/checkpoint.ts";
import { GodwitError } from "../contract/errors.ts";
import type { Docker } from "../host/docker/docker.ts";

/**
 * A checkpoint's files take the place of a volume's as a whole, which another container that has it mounted does not see.
 * @throws unsupported-container that names the other one
 */
export async function refuseSharedVolumes(
  docker: Docker,
  { name, container, trees }: CheckpointRecord,
  own: string | undefined,
): Promise<void> {
  for (const tree of trees.filter(({ kind }) => kind === "volume")) {
    const users = await docker.volumeUsers(tree.name);
    const other = users.find(({ Id, State }) => Id !== own && ["running", "paused"].includes(State));
    if (!other) continue;
    const user = other.Names[0]?.replace(/^\//, "") ?? other.Id.slice(0, 12);
    throw new GodwitError(
      "unsupported-container",
      `Checkpoint '${name}' of '${container}' brings the volume '${tree.name}' back, which '${user}' uses and runs.`,
      { hint: `Stop that one first: docker stop ${user}` },
    );
  }
}
