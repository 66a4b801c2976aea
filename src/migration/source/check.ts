import { choosePlan, possibleEnd } from "../../checks/plan.ts";
import { preflight } from "../../checks/preflight.ts";
import { belongings } from "../../contract/belongings.ts";
import type { ContainerFacts } from "../../contract/facts.ts";
import { type MigrateRequest, type MigrationPlan, type NoConvergence, reservation } from "../../contract/migration.ts";
import { protocol } from "../../contract/version.ts";
import { bindTrees } from "../../host/container/belongings.ts";
import { fileTrees, readContainerFacts } from "../../host/container/facts.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { FileTree } from "../../host/files/trees.ts";
import type { Host } from "../../host/host.ts";
import { runcContainer } from "../../host/runtime/runc.ts";
import type { Peer } from "../../transport/peer.ts";
import { peerPaths } from "../peer-paths.ts";

export interface Checked {
  plan: MigrationPlan;
  facts: ContainerFacts;
  trees: FileTree[];
  /** What pre-copy does in the end where no round helps. */
  onNoConvergence: NoConvergence;
}

/**
 * Both hosts' facts, weighed. Unless it is a dry run, the destination holds the container's name from now on.
 * @throws agent-unreachable, incompatible-agent, busy
 */
export async function checkMigration(
  host: Host,
  peer: Peer,
  container: ContainerInspect,
  request: MigrateRequest & { migration: string; dryRun?: boolean },
  signal?: AbortSignal,
): Promise<Checked> {
  const dockerRoot = await host.dockerRoot();
  const [facts, hostFacts, imageLayers] = await Promise.all([
    readContainerFacts(host.docker, container, dockerRoot),
    host.facts(),
    host.docker.imageLayers(container.Image),
  ]);
  const running = container.State.Running ? await runcContainer(container.Id).catch(() => undefined) : undefined;
  const choices = belongings.parse(request);
  const trees: FileTree[] = running ? await fileTrees(host.docker, container, running.pid, dockerRoot) : [];
  if (choices.bind === "copy") trees.push(...(await bindTrees(container)));
  const offer = {
    migration: request.migration,
    source: host.name,
    protocol,
    dryRun: request.dryRun ?? false,
    facts: hostFacts,
    container: facts,
    imageLayers: imageLayers ?? [],
    trees: trees.map(({ kind, name, destination, file = false }) => ({ kind, name, destination, file })),
    choices,
  };
  const answer = reservation.parse(await peer.json("POST", peerPaths.reserve, offer, { signal }));
  const { mode, because } = choosePlan({
    asked: request.mode,
    source: hostFacts,
    destination: answer.facts,
  });
  return {
    facts,
    trees,
    onNoConvergence: possibleEnd(request.onNoConvergence, hostFacts, answer.facts),
    plan: {
      container: facts.name,
      source: host.name,
      destination: peer.name,
      mode,
      because,
      sendsImage: !answer.view.imagePresent,
      memoryBytes: facts.memoryBytes,
      filesBytes: facts.writableBytes + facts.volumeBytes,
      verdicts: preflight({
        ...{ source: hostFacts, destination: answer.facts, container: facts, view: answer.view, mode, choices },
      }),
    },
  };
}
