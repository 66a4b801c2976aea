import type { CheckpointRecord } from "../contract/checkpoint.ts";
import type { Verdict } from "../contract/facts.ts";
import type { MigrationPlan } from "../contract/migration.ts";
import type { Operation } from "../contract/operations.ts";
import type { DoctorReport } from "../contract/routes.ts";
import { bytes } from "../contract/units.ts";
import { reasonLines } from "./error.ts";
import { formatDuration, formatTime, shortId, table } from "./format.ts";
import { migrationTable, oneMigrationLines } from "./migrations.ts";
import type { HostCheckpoints, HostContainers, HostUsage, LabSummary, Output } from "./output.ts";
import { summaryLines } from "./summary.ts";

/** The lines that show an output to people. */
export function viewLines(output: Output, now: Date): string[] {
  switch (output.view) {
    case "doctor":
      return output.data.flatMap(doctorLines);
    case "hosts":
      return hostLines(output.data);
    case "containers":
      return containerLines(output.data);
    case "checkpoints":
      return checkpointLines(output.data, now);
    case "checkpoint":
      return recordLines(output.data, now);
    case "plan":
      return planLines(output.data);
    case "recovery":
      return [output.data.message];
    case "migrations":
      return migrationTable(output.data);
    case "migration":
      return oneMigrationLines(output.data, now);
    case "operations":
      return operationLines(output.data, now);
    case "ended":
      return summaryLines(output.data);
    case "operation":
      return oneOperationLines(output.data, now);
    case "labs":
      return labLines(output.data);
    case "done":
      return output.data.lines;
    case "nothing":
      return [];
  }
}

function doctorLines(report: DoctorReport): string[] {
  const title = report.with === null ? report.host : `${report.host} with ${report.with}`;
  return [title, ...verdictLines(report.verdicts)];
}

function verdictLines(verdicts: Verdict[]): string[] {
  return verdicts.flatMap(({ check, level, message, remedy }) => [
    `  ${level.padEnd(4)}  ${check}: ${message}`,
    ...(remedy && level !== "ok" ? [`        ${remedy}`] : []),
  ]);
}

function hostLines(hosts: HostUsage[]): string[] {
  const rows = hosts.map(({ host, version, usage, problem }) =>
    usage
      ? [
          ...[host, version ?? "", formatDuration(usage.upMs), bytes(usage.memoryBytes)],
          ...[formatDuration(usage.cpuMs), formatDuration(usage.longestBlockMs)],
        ]
      : [host, problem ?? ""],
  );
  return table([["HOST", "VERSION", "UP", "MEMORY", "CPU", "BLOCKED"], ...rows]);
}

function containerLines(hosts: HostContainers[]): string[] {
  const rows = hosts.flatMap(({ host, containers, problem }) =>
    problem === null
      ? containers.map((c) => [
          `${host}/${c.name}`,
          shortId(c.id),
          c.image,
          c.status,
          c.runtime,
          obstacles(c.obstacles),
        ])
      : [[host, "", "", "", "", problem]],
  );
  return table([["CONTAINER", "ID", "IMAGE", "STATUS", "RUNTIME", "MOVING"], ...rows]);
}

function obstacles(verdicts: Verdict[]): string {
  const [fails, warns] = ["fail", "warn"].map((level) => verdicts.filter((verdict) => verdict.level === level));
  if (fails?.[0]) return `no: ${fails.map((verdict) => verdict.message).join("; ")}`;
  return warns?.[0] ? `yes, but ${warns.map((verdict) => verdict.message).join("; ")}` : "yes";
}

function checkpointLines(hosts: HostCheckpoints[], now: Date): string[] {
  const rows = hosts.flatMap(({ host, checkpoints, problem }) =>
    problem === null
      ? checkpoints.map((c) => [
          `${host}/${c.container}`,
          c.name,
          ...("damaged" in c
            ? ["-", "-", "-", "-", "damaged"]
            : [
                formatTime(c.createdAt, now),
                bytes(c.memoryBytes),
                bytes(c.filesBytes),
                c.parent ?? "-",
                c.foreign ? `${c.origin}, of another ${c.container}` : c.origin,
              ]),
        ])
      : [[host, problem]],
  );
  return table([["CONTAINER", "NAME", "TAKEN", "MEMORY", "FILES", "PARENT", "MADE BY"], ...rows], [3, 4]);
}

function recordLines(record: CheckpointRecord, now: Date): string[] {
  return table([
    ["name", record.name],
    ["container", `${record.container} (${shortId(record.containerId)})`],
    ["image", record.image],
    ["taken", formatTime(record.createdAt, now)],
    ["parent", record.parent ?? "-"],
    ["made by", record.origin],
    ["CRIU", record.criuVersion ?? "unknown"],
    ["memory", bytes(record.memoryBytes)],
    ["files", bytes(record.filesBytes)],
    ["frozen for", record.frozenMs === null ? "unknown" : formatDuration(record.frozenMs)],
    ...record.trees.map((tree) => [
      tree.kind,
      tree.kind === "volume" ? `${tree.name} on ${tree.destination}` : "saved",
    ]),
    ...record.processes.map((process) => [`process ${process.pid}`, process.command]),
  ]);
}

function planLines(plan: MigrationPlan): string[] {
  const sent = [`${bytes(plan.memoryBytes)} memory`, `${bytes(plan.filesBytes)} files`];
  if (plan.sendsImage) sent.push("the image");
  return [
    `${plan.container}: from ${plan.source} to ${plan.destination}, mode ${plan.mode} (${plan.because})`,
    `would send ${sent.join(", ")}`,
    ...verdictLines(plan.verdicts),
  ];
}

function operationLines(operations: Operation[], now: Date): string[] {
  const rows = operations.map((o) => [
    o.id,
    o.kind,
    `${o.host}/${o.container}`,
    o.state,
    formatTime(o.startedAt, now),
    took(o),
  ]);
  return table([["ID", "KIND", "CONTAINER", "STATE", "BEGAN", "TOOK"], ...rows]);
}

const took = ({ startedAt, endedAt }: Operation) =>
  endedAt === null ? "-" : formatDuration(Date.parse(endedAt) - Date.parse(startedAt));

function oneOperationLines(operation: Operation, now: Date): string[] {
  const { error } = operation;
  const problem = error ? ["", ...reasonLines(error)] : [];
  const result = operation.state === "done" ? ["", ...summaryLines(operation)] : [];
  return [...operationLines([operation], now), ...result, ...problem];
}

function labLines(labs: LabSummary[]): string[] {
  const rows = labs.flatMap(({ name, hosts }) =>
    hosts.map((host) => [
      name,
      host.name,
      host.address,
      host.release,
      host.pid === undefined ? "down" : `up (pid ${host.pid})`,
      host.docker ?? "-",
      host.agent ? "answers" : "does not answer",
    ]),
  );
  if (rows.length === 0) return ["no lab is up"];
  return table([["LAB", "HOST", "ADDRESS", "RELEASE", "STATE", "DOCKER", "AGENT"], ...rows]);
}
