import { keepsConnections } from "../../checks/addresses.ts";
import { imagesOnSource, roomOnSource } from "../../checks/image-room.ts";
import type { PlainMode } from "../../checks/plan.ts";
import { firstFailure } from "../../checks/verdict.ts";
import type { ArmOrder, CriuDumpStats, MigrateRequest, MigrationResult } from "../../contract/migration.ts";
import { containerName, sharedMemoryOf } from "../../host/container/facts.ts";
import type { LogMark } from "../../host/container/logs.ts";
import { readDumpStats } from "../../host/criu/images/stats.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { Host } from "../../host/host.ts";
import { reserveImageSpace } from "../../host/restore/image-space.ts";
import { runcContainer } from "../../host/runtime/runc.ts";
import type { Journal } from "../../journal/journal.ts";
import type { OperationContext } from "../../operations/operation-context.ts";
import type { Peer } from "../../transport/peer.ts";
import type { ByteCounter } from "../../transport/streams.ts";
import { sourceStart } from "../baton/source.ts";
import type { MigrationControls } from "../controls.ts";
import { peerPaths } from "../peer-paths.ts";
import { ProgressMeter } from "../progress.ts";
import { learnSwitchover, switchoverCost } from "../switchover-cost.ts";
import { type Checked, checkMigration } from "./check.ts";
import { Departure } from "./departure.ts";
import { ExitWatch } from "./exit-watch.ts";
import { sendLogs, sendTreesInRounds } from "./files.ts";
import { finished, giveUp, handOver, refusalBehind, type Unsettled } from "./hand-over.ts";
import { keepHeard } from "./keep-heard.ts";
import { prepare } from "./prepare.ts";
import { ProgressReports } from "./progress-reports.ts";
import { memoryRounds } from "./rounds.ts";
import { switchOver } from "./switchover.ts";

export interface MigrateDeps {
  host: Host;
  journal: Journal;
  peer: Peer;
  /** Told of a departure that has a record from now on. */
  begun: (departure: Departure) => void;
  unsettled: Unsettled;
}

/** Moves a running container to the peer's host. Fails with the container running on here, unless the error says otherwise. */
export async function migrate(
  deps: MigrateDeps,
  container: ContainerInspect,
  request: MigrateRequest,
  context: OperationContext,
  controls: MigrationControls,
): Promise<MigrationResult> {
  const { host, peer, unsettled } = deps;
  const begunAt = performance.now();
  context.phase("preflight", `Asking ${peer.name} whether it can take '${containerName(container)}'`);
  const departure = begin(deps, container, request, context.id);
  const counter = { sent: 0, received: 0 };
  const reports = new ProgressReports(new ProgressMeter(begunAt), context, counter);
  await using undo = new AsyncDisposableStack();
  const watch = undo.use(new ExitWatch(host.engine, container));
  const move = { ...deps, departure, container, request, controls, counter, reports, watch, undo, begunAt };
  const offered = await untilOffered(move, context).catch(async (error) => {
    // What fails once a cancel is under way (a stream that was cut, a host that is silent) is no news.
    const cancelled = context.signal.aborted;
    await giveUp(departure, unsettled);
    throw cancelled ? context.signal.reason : await watch.reason(refusalBehind(departure, error));
  });
  const { checked, id, mode, setupMs, frozenAt, sendingMs, work } = offered;
  const { memoryBytes } = checked.plan;
  const laterBytes = memoryBytes - imagesOnSource(checked.facts.shared, mode);
  const downtimeMs = await handOver(departure, frozenAt, unsettled);
  if (mode !== "cold") learnSwitchover(deps.journal, { downtimeMs, sendingMs });
  const result = (dump: CriuDumpStats | null = null): MigrationResult => ({
    migration: context.id,
    container: checked.plan.container,
    source: host.name,
    destination: peer.name,
    mode,
    id,
    // What its processes waited for after the resume is known when all memory is there.
    downtimeMs: Math.round(downtimeMs + (departure.entryMs ?? 0)),
    totalMs: Math.round(performance.now() - begunAt),
    setupMs: Math.round(setupMs),
    wireBytes: counter.sent + counter.received,
    memoryBytes,
    steps: [...context.steps],
    criu: { dump, restore: departure.criu },
    warnings: [...context.warnings],
  });
  departure.record.result = result();
  departure.save();
  context.phase("drain", `It runs on ${peer.name}; the rest of its memory follows`);
  const drained = Promise.withResolvers<void>();
  const gone = finished(departure, unsettled, drained.resolve);
  const drain = () => Promise.race([drained.promise, gone]);
  try {
    await context.step("drain", {}, () =>
      mode === "postcopy" ? reports.during({ phase: "drain", total: laterBytes }, drain) : drain(),
    );
    context.phase("finish", request.keepSource ? "Ending the original, which is kept" : "Removing the original");
    await context.step("finish", {}, () => gone);
  } finally {
    for (const step of departure.steps) context.record(step);
  }
  departure.forget();
  return result(await readDumpStats(work));
}

/** The journal knows of it before the destination does: what that then holds is taken back, whatever becomes of this agent. */
function begin(deps: MigrateDeps, container: ContainerInspect, request: MigrateRequest, migration: string): Departure {
  const departure = new Departure(deps.host, deps.journal, () => deps.peer, {
    migration,
    container: containerName(container),
    containerId: container.Id,
    destination: deps.peer.name,
    state: sourceStart,
    mode: "cold",
    keepSource: request.keepSource,
    keepConnections: true,
    restartPolicy: null,
    volumes: [],
    startedAt: new Date().toISOString(),
    result: null,
  });
  departure.save();
  deps.begun(departure);
  return departure;
}

interface Move extends MigrateDeps {
  departure: Departure;
  container: ContainerInspect;
  request: MigrateRequest;
  controls: MigrationControls;
  counter: ByteCounter;
  reports: ProgressReports;
  watch: ExitWatch;
  /** What goes when the operation has ended, however it ended. */
  undo: AsyncDisposableStack;
  begunAt: number;
}

interface Offered {
  checked: Checked;
  /** Of the container on the destination. */
  id: string;
  /** That it came to: pre-copy may have gone on as post-copy. */
  mode: PlainMode;
  setupMs: number;
  frozenAt: number;
  /** Where CRIU left what it says of the dump. */
  work: string;
  /** What sending memory was expected to add to the downtime. */
  sendingMs: number;
}

/** Everything up to the offer of the baton. Whatever fails in it, the container is here, and may run on. */
async function untilOffered(move: Move, context: OperationContext): Promise<Offered> {
  const { host, journal, peer, departure, container, request, controls, counter, reports, watch, undo, begunAt } = move;
  const migration = context.id;
  const signal = AbortSignal.any([context.signal, watch.signal]);
  const checked = await checkMigration(host, peer, container, { ...request, migration }, signal);
  const { filesBytes, memoryBytes } = checked.plan;
  const become = (mode: PlainMode) => {
    context.about({ mode });
    departure.record.mode = mode;
    departure.save();
  };
  departure.record.volumes = checked.trees.filter(({ kind }) => kind === "volume").map(({ name }) => name);
  become(checked.plan.mode);
  refuseOrWarn(checked, request, context);
  undo.use(keepHeard(peer, migration));
  const sync = { migration, peer, trees: checked.trees, counter };
  const running = await runcContainer(container.Id);
  const space = await reserveImageSpace(`source-${migration}`, roomOnSource(checked.facts.shared));
  undo.defer(() => space.release());
  const dockerRoot = await host.dockerRoot();
  const criuVersion = (await host.facts()).criu?.version ?? "";
  const tty = container.Config.Tty ?? false;
  const keepConnections = keepsConnections(checked.facts, request.tcp);
  departure.record.keepConnections = keepConnections;
  let logMark: LogMark | undefined;
  const arm = async (mode: PlainMode) => {
    logMark = await sendLogs(sync, container, dockerRoot, signal);
    const shared = await sharedMemoryOf(running);
    await space.grow(roomOnSource(shared));
    const order: ArmOrder = { mode, keepConnections, shared };
    await peer.json("POST", peerPaths.arm(migration), order, { signal });
  };
  const id = await prepare({ host, checked, sync, controls, reports, signal, pid: running.pid }, context);
  context.phase("sync", "Copying files while the container runs");
  await context.step("copy files", {}, () =>
    reports.during({ phase: "sync", total: filesBytes }, () => sendTreesInRounds(sync, signal, controls.syncRate)),
  );
  const rounds =
    checked.plan.mode === "precopy"
      ? await memoryRounds(
          {
            ...{ running, sync, controls, reports, space, signal, memoryBytes },
            fixedMs: switchoverCost(journal),
            onNoConvergence: checked.onNoConvergence,
            arm: tty ? undefined : arm,
          },
          context,
        )
      : undefined;
  const mode = rounds?.mode ?? checked.plan.mode;
  if (rounds) become(mode);
  else {
    context.phase("arm", `Docker on ${peer.name} prepares the container`);
    if (!tty) await context.step("arm", {}, () => arm(mode));
  }
  await departure.holdRestartPolicy();
  const setupMs = performance.now() - begunAt;
  context.phase("switchover", "Freezing the container, handing it over");
  const frozenAt = await switchOver(
    {
      ...{ departure, controls, container, running, sync, dockerRoot, space, mode, tty, criuVersion },
      arm: () => arm(mode),
      memory: { reports, bytes: rounds?.leftBytes ?? memoryBytes, parent: rounds?.parent },
      logMark: () => logMark,
    },
    context,
  );
  return { checked, id, mode, setupMs, frozenAt, work: space.work, sendingMs: rounds?.sendingMs ?? 0 };
}

function refuseOrWarn({ plan, onNoConvergence }: Checked, asked: MigrateRequest, context: OperationContext): void {
  const failure = firstFailure(plan.verdicts, `'${plan.container}' cannot move to ${plan.destination}`);
  if (failure) throw failure;
  for (const { level, message, remedy } of plan.verdicts) if (level === "warn") context.warn(message, remedy);
  if (plan.mode === "precopy" && onNoConvergence !== asked.onNoConvergence)
    context.warn(
      "post-copy is not possible between these hosts: if no round helps, pre-copy goes to the switchover",
      "godwit doctor",
    );
  context.phase("preflight", `Mode ${plan.mode}. ${plan.because}`);
}
