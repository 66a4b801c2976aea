import { refuseDump } from "../checks/audiences/checkpoint.ts";
import type { DumpPurpose } from "../checks/check.ts";
import { GodwitError } from "../contract/errors.ts";
import { containerFacts, type HostFacts, type Verdict } from "../contract/facts.ts";
import { apiPrefix } from "../contract/version.ts";
import { examine } from "../host/container/facts.ts";
import { readNeighbours } from "../host/container/namespace-sharers.ts";
import type { ContainerInspect } from "../host/engine/inspect.ts";
import type { Host } from "../host/host.ts";
import type { Peer } from "../transport/peer.ts";

/*
 * What is refused before an action on a checkpoint begins, and before the container is touched.
 */

/** As `refuseDump`, after a look at the container and at those that share something with it. @returns warnings */
export async function refuseUndumpable(
  host: Host,
  facts: HostFacts,
  container: ContainerInspect,
  purpose: DumpPurpose,
): Promise<Verdict[]> {
  return refuseDump(facts, await examine(container, await readNeighbours(host.engine)), purpose);
}

/** The name of a clone, here or on the other host. @throws name-taken, invalid-name */
export async function refuseTakenName(host: Host, name: string, peer: Peer | undefined): Promise<void> {
  if (name.length < 2)
    throw new GodwitError("invalid-name", `'${name}' is not a valid container name.`, {
      hint: "Docker wants names of at least two characters.",
    });
  // Docker finds containers by the beginning of their id as well; such a container does not have this name.
  const taken = peer ? await nameOn(peer, name) : (await host.engine.find(name))?.Name.replace(/^\//, "");
  if (taken !== name) return;
  throw new GodwitError("name-taken", `A container named '${name}' exists already on ${peer?.name ?? host.name}.`, {
    hint: "Choose another name for the clone.",
  });
}

async function nameOn(peer: Peer, asked: string): Promise<string | undefined> {
  try {
    return containerFacts.parse(await peer.json("GET", `${apiPrefix}/containers/${encodeURIComponent(asked)}`)).name;
  } catch (error) {
    if (error instanceof GodwitError && error.code === "no-such-container") return undefined;
    throw error;
  }
}
