import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../contract/errors.ts";
import type { MigrateRequest, MigrationResult } from "../../contract/migration.ts";
import { containerName } from "../../host/container/facts.ts";
import type { LogMark } from "../../host/container/logs.ts";
import { runcContainer } from "../../host/container/runc.ts";
import type { ContainerInspect } from "../../host/docker/inspect.ts";
import type { Host } from "../../host/host.ts";
import { reserveImageSpace } from "../../host/restore/image-space.ts";
import type { Journal } from "../../journal/journal.ts";
import type { OperationContext } from "../../journal/operation-context.ts";
import type { Peer } from "../../transport/peer.ts";
import { limitedSource } from "../../transport/rate-limit.ts";
import { sourceStart } from "../baton.ts";
import type { MigrationControls } from "../controls.ts";
import { peerPaths } from "../peer-paths.ts";
import { firstFailure } from "../verdict.ts";
import { type Checked, checkMigration } from "./check.ts";
import { Departure } from "./departure.ts";
import { type FileSync, sendLogs, sendTrees } from "./files.ts";
import { switchOver } from "./switchover.ts";

/** CRIU's images without the memory pages. */
const smallImagesBytes = 256 * 2 ** 20;
/** A link that is cut for a minute must not end a drain. */
const drainSilenceMs = 120_000;
/** So long the operation waits for a destination that fell silent with the baton on its way; the agent asks on after it. */
const silenceMs = 30_000;
/** So long an operation that failed waits for the destination to undo its part. */
const tellMs = 5_000;

export interface MigrateDeps {
  host: Host;
  journal: Journal;
  peer: Peer;
  /** Told of a departure that has a record from now on. */
  begun: (departure: Departure) => void;
  /** Told of a departure that goes on being settled after the operation has ended. */
  unsettled: (departure: Departure) => void;
}

/** Moves a running container to the peer's host. Fails with the container running on here, unless the error says otherwise. */
export async function migrate(
  deps: MigrateDeps,
  container: ContainerInspect,
  request: MigrateRequest,
  context: OperationContext,
  controls: MigrationControls,
): Promise<MigrationResult> {
  const { host, peer, journal } = deps;
  const begun = performance.now();
  const migration = context.id;
  context.phase("preflight", `Asking ${peer.name} whether it can take '${containerName(container)}'`);
  const departure = new Departure(host, journal, () => peer, {
    migration,
    container: containerName(container),
    containerId: container.Id,
    destination: peer.name,
    state: sourceStart,
    mode: "cold",
    keepSource: request.keepSource,
    restartPolicy: null,
    volumes: [],
    startedAt: new Date().toISOString(),
    result: null,
  });
  // Before the destination hears of it: what it then holds is taken back, whatever becomes of this agent.
  departure.save();
  deps.begun(departure);
  let checked: Checked;
  let sync: FileSync;
  let id = "";
  let setupMs = 0;
  let frozenAt = 0;
  try {
    checked = await checkMigration(host, peer, container, { ...request, migration });
    departure.record.mode = checked.plan.mode;
    departure.record.volumes = checked.trees.filter(({ kind }) => kind === "volume").map(({ name }) => name);
    departure.save();
    sync = { migration, peer, trees: checked.trees, counter: { sent: 0, received: 0 } };
    refuseOrWarn(checked, context);
    const running = await runcContainer(container.Id);
    await using undo = new AsyncDisposableStack();
    const space = await reserveImageSpace(`source-${migration}`, smallImagesBytes);
    undo.defer(() => space.release());
    let logMark: LogMark | undefined;
    const dockerRoot = await host.dockerRoot();
    const tty = container.Config.Tty ?? false;
    const logs = sync;
    const { mode } = checked.plan;
    const arm = async () => {
      logMark = await sendLogs(logs, container, dockerRoot);
      await peer.json("POST", peerPaths.arm(migration), { mode });
    };
    id = await prepare(checked, sync, host, context, controls);
    context.phase("sync", "Copying files while the container runs");
    await context.step("copy files", {}, () => sendTrees(sync, context.signal, controls.syncRate));
    context.phase("arm", `Docker on ${peer.name} prepares the container`);
    if (!tty) await context.step("arm", {}, arm);
    await departure.holdRestartPolicy();
    setupMs = performance.now() - begun;
    context.phase("switchover", "Freezing the container, handing it over");
    const keepConnections = keepsAddress(container);
    frozenAt = await switchOver(
      {
        departure,
        controls,
        container,
        running,
        sync,
        logMark: () => logMark,
        arm,
        tty,
        mode,
        dockerRoot,
        space,
        keepConnections,
      },
      context,
    );
  } catch (error) {
    await giveUp(deps, departure);
    throw error;
  }
  const downtimeMs = await handOver(deps, departure, frozenAt);
  const result: MigrationResult = {
    migration,
    container: checked.plan.container,
    source: host.name,
    destination: peer.name,
    mode: checked.plan.mode,
    id,
    downtimeMs: Math.round(downtimeMs),
    totalMs: Math.round(performance.now() - begun),
    setupMs: Math.round(setupMs),
    wireBytes: sync.counter.sent + sync.counter.received,
    memoryBytes: checked.plan.memoryBytes,
    steps: [...context.steps],
    warnings: [...context.warnings],
  };
  departure.record.result = result;
  departure.save();
  context.phase("drain", `It runs on ${peer.name}; the rest of its memory follows`);
  await context.step("drain", {}, () => departure.complete(drainSilenceMs));
  for (const step of departure.steps) context.record(step);
  if (departure.record.state.at === "passed") {
    deps.unsettled(departure);
    throw fellSilent(departure);
  }
  if (departure.record.state.at !== "finished") throw departure.reason();
  departure.forget();
  return {
    ...result,
    totalMs: Math.round(performance.now() - begun),
    wireBytes: sync.counter.sent + sync.counter.received,
    steps: [...context.steps],
  };
}

/** The container runs on at once; the destination is told in the background if it does not answer in a moment. */
async function giveUp({ unsettled }: MigrateDeps, departure: Departure): Promise<void> {
  const told = departure.cancel().then(() => {
    unsettled(departure);
  });
  await Promise.race([told, sleep(tellMs, undefined, { ref: false })]);
}

function refuseOrWarn({ plan }: Checked, context: OperationContext): void {
  const failure = firstFailure(plan.verdicts, `'${plan.container}' cannot move to ${plan.destination}`);
  if (failure) throw failure;
  for (const { level, message, remedy } of plan.verdicts) if (level === "warn") context.warn(message, remedy);
  context.phase("preflight", `Mode ${plan.mode}. ${plan.because}`);
}

/** Delivers the image where it is lacking, and has the container created. Gives the id of the container there. */
async function prepare(
  { plan, facts }: Checked,
  { peer, migration, counter }: FileSync,
  host: Host,
  context: OperationContext,
  controls: MigrationControls,
): Promise<string> {
  context.phase("prepare", `Creating the container on ${peer.name}`);
  if (plan.sendsImage) {
    context.phase("prepare", `Sending the image ${facts.image}`);
    await context.step("send image", {}, async () => {
      // By its name, so that it has it there as well; by its id where the name has been given to another image since.
      const named = (await host.docker.imageId(facts.image)) === facts.imageId;
      const image = await host.docker.saveImage(named ? facts.image : facts.imageId);
      const paced = limitedSource(image, controls.syncRate, (bytes) => {
        counter.sent += bytes;
      });
      await peer.upload(peerPaths.image(migration), paced, { signal: context.signal });
    });
  }
  const { id } = (await context.step("create container", {}, () =>
    peer.json("POST", peerPaths.create(migration), {}),
  )) as { id: string };
  return id;
}

/** Waits for the destination's word about the baton. @returns the downtime in ms */
async function handOver({ unsettled }: MigrateDeps, departure: Departure, frozenAt: number): Promise<number> {
  const decided = () => departure.record.state.at === "finished" || departure.record.state.at === "holds";
  const known = await departure.settle(() => decided() || departure.ranThere, silenceMs);
  const downtimeMs = performance.now() - frozenAt;
  if (!known) {
    unsettled(departure);
    throw fellSilent(departure);
  }
  if (departure.record.state.at === "holds") {
    departure.forget();
    throw departure.reason();
  }
  return downtimeMs;
}

/** What to tell a user whose container waits frozen here. */
export function fellSilent(departure: Departure): GodwitError {
  const { container, destination } = departure.record;
  return new GodwitError(
    "baton-unresolved",
    `${destination} fell silent after it was given '${container}', which waits frozen here.`,
    {
      hint: `This agent asks on; to ask at once: godwit recover ${container}. If ${destination} is gone for good: godwit recover ${container} --force`,
    },
  );
}

/** Connections go on where the container keeps the address that it was given by the user. */
function keepsAddress(container: ContainerInspect): boolean {
  const networks = Object.values(container.NetworkSettings.Networks ?? {}) as {
    IPAMConfig?: { IPv4Address?: string } | null;
  }[];
  return networks.length > 0 && networks.every((network) => Boolean(network.IPAMConfig?.IPv4Address));
}
