import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GodwitError } from "../contract/errors.ts";
import { labCgroup } from "./host/cgroup.ts";
import { type ProcessId, readLiving } from "./host/pid.ts";
import { hostFolder, labFolder, labsDir } from "./paths.ts";
import type { Release } from "./recipe.ts";

/** A host is a set of namespaces of this machine's kernel, or a virtual machine with its own kernel. */
export const labKinds = ["namespace", "vm"] as const;
export type LabKind = (typeof labKinds)[number];

/** The shape of a lab. It is on the disk before any part of the lab is made. */
export interface LabState {
  name: string;
  kind: LabKind;
  /** Memory of each virtual machine. */
  memoryMiB?: number;
  hosts: { name: string; address: string; release: Release /** Folder of its root below roots/. */; root: string }[];
}

export function readState(lab: string): LabState | undefined {
  const file = join(labFolder(lab), "lab.json");
  return existsSync(file) ? { kind: "namespace", ...JSON.parse(readFileSync(file, "utf8")) } : undefined;
}

export function writeState(state: LabState): void {
  const file = join(labFolder(state.name), "lab.json");
  mkdirSync(labFolder(state.name), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 2));
  renameSync(`${file}.new`, file);
}

/** @throws GodwitError `no-such-lab` */
export function mustState(lab: string): LabState {
  const state = readState(lab);
  if (state) return state;
  throw new GodwitError("no-such-lab", `No lab '${lab}' is up.`, { hint: `godwit lab up --name ${lab}` });
}

export const allStates = (): LabState[] =>
  (existsSync(labsDir()) ? readdirSync(labsDir()).sort() : []).flatMap((name) => readState(name) ?? []);

/** The folder names of the roots that labs use. */
export const rootsInUse = (): string[] => allStates().flatMap((state) => state.hosts.map((host) => host.root));

/** @throws not-root: only root may see and change the processes of a lab */
export function mustBeRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new GodwitError("not-root", "A lab makes namespaces and mounts, so it needs root.", {
    hint: "Run the command as root, for example with sudo.",
  });
}

/**
 * The init or the virtual machine of a host that is up; undefined if it is down. A host in namespaces is up once its init
 * is in its own root: before that, /proc/PID/root is the machine's root. @throws GodwitError `not-root`
 */
export function livingHost(lab: string, host: string): ProcessId | undefined {
  mustBeRoot();
  const init = readLiving(join(hostFolder(lab, host), "pid"));
  if (!init || readState(lab)?.kind === "vm") return init;
  return existsSync(inHost(init, "/run/lab/supervisor.sh")) ? init : undefined;
}

/** A path inside a host in namespaces, as this machine sees it. */
export const inHost = (init: ProcessId, path: string): string => `/proc/${init.pid}/root${path}`;

/** The cgroup that holds a host's own processes. */
export const hostCgroup = (lab: string, host: string): string => join(labCgroup(lab), host);
