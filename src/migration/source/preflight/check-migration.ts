import { choosePlan, possibleEnd } from "../../../checks/audiences/plan.ts";
import { preflight } from "../../../checks/audiences/preflight.ts";
import { sharesApart } from "../../../checks/host/dirty-tracking.ts";
import { keepsSharing, leavesMemoryOut } from "../../../checks/modes.ts";
import { attachmentOptions } from "../../../contract/attachments.ts";
import type { ContainerFacts } from "../../../contract/facts.ts";
import type { MigrateRequest, MigrationPlan, NoConvergence } from "../../../contract/migration.ts";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { protocol } from "../../../contract/version.ts";
import { bindTrees } from "../../../host/container/attachments.ts";
import { fileTrees, readContainerFacts } from "../../../host/container/facts.ts";
import type { ContainerInspect } from "../../../host/engine/inspect.ts";
import type { FileTree } from "../../../host/files/trees.ts";
import type { Host } from "../../../host/host.ts";
import { hugeMappings } from "../../../host/proc/huge-pages.ts";
import { findRuncContainer } from "../../../host/runtime/runc.ts";
import { pinnedProcesses } from "../../../memory/rounds/pinned-processes.ts";
import type { Peer } from "../../../transport/peer.ts";
import { callPeer } from "../../../transport/peer-calls.ts";

export interface Checked {
  plan: MigrationPlan;
  facts: ContainerFacts;
  trees: FileTree[];
  /** What pre-copy does in the end where no round helps. */
  onNoConvergence: NoConvergence;
  /** CRIU leaves the contents of private memory out, and godwit sends them. */
  leavesMemoryOut: boolean;
  /** Shared memory goes in rounds as well, and CRIU leaves it out. */
  sharesApart: boolean;
  /** Pages that processes share by copy-on-write go once, so that they share them there too. */
  keepsSharing: boolean;
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
  const [described, hostFacts, imageLayers] = await Promise.all([
    readContainerFacts(host.engine, container, dockerRoot),
    host.facts(),
    host.engine.imageLayers(container.Image),
  ]);
  const running = container.State.Running ? await findRuncContainer(container.Id) : undefined;
  const facts = {
    ...described,
    // Before their writes are followed, which takes them apart.
    hugePages: running ? await hugeMappings(running.cgroup) : [],
    pinned: running && (hostFacts.pageScan || hostFacts.softDirty) ? await pinnedProcesses(running) : [],
  };
  const choices = attachmentOptions.parse(request);
  const trees: FileTree[] = running ? await fileTrees(host.engine, container, running.pid, dockerRoot) : [];
  if (choices.bind === "copy") trees.push(...(await bindTrees(container)));
  const question = {
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
  const answer = await callPeer(peer, migrationProtocol.reserve, {}, question, { signal });
  const { mode, because } = choosePlan({
    asked: request.mode,
    source: hostFacts,
    destination: answer.facts,
    container: facts,
  });
  return {
    facts,
    trees,
    sharesApart: sharesApart(hostFacts) && sharesApart(answer.facts),
    leavesMemoryOut: leavesMemoryOut(hostFacts, answer.facts),
    keepsSharing: keepsSharing(hostFacts, answer.facts, facts),
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
        options: request,
      }),
    },
  };
}
