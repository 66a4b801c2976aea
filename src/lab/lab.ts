import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { errorReport, GodwitError } from "../contract/errors.ts";
import { type Authority, createAuthority } from "../transport/certificates.ts";
import { labCgroup, makeCgroups, removeCgroup } from "./host/cgroup.ts";
import { ensureHost } from "./host/host.ts";
import { ensureLan, hostAddress } from "./lan/lan.ts";
import { withLock } from "./lock.ts";
import { labFolder, lockFile, rootsDir } from "./paths.ts";
import { type Release, releases } from "./recipe.ts";
import { hostRoot, type OnProgress, removeTree } from "./roots/roots.ts";
import {
  type LabKind,
  type LabState,
  labKinds,
  livingHost,
  mustBeRoot,
  readState,
  rootsInUse,
  writeState,
} from "./state.ts";
import { type LabStatus, labStatus } from "./status.ts";
import { checkMachines, machineFacts } from "./vm/needs.ts";
import { vmRoot } from "./vm/root.ts";

export interface LabOptions {
  /** `lab` by default. */
  name?: string;
  /** The number of hosts; 2 by default. */
  hosts?: number;
  /** `namespace` by default. */
  kind?: string;
  /** One release for all hosts, or one for each; trixie by default, forky for virtual machines. */
  releases?: string[];
  /** Memory of each virtual machine; 3072 by default. */
  memoryMiB?: number;
  /** Debian packages for new hosts, beside the usual ones. Virtual machines do not get them. */
  packages?: readonly string[];
  /** Called with a line for each step that takes a while. */
  onProgress?: OnProgress;
}

/**
 * Starts a lab, or the missing parts of a lab of the same shape. What runs is not restarted. Builds the hosts' roots if
 * this machine lacks them: half a minute each, a minute or two for virtual machines.
 * @throws GodwitError `lab-exists` if the lab is up in another shape, `lab-failed`, `unsupported-system`, `no-space`,
 * `not-root`, `usage`
 */
export async function labUp(options: LabOptions = {}): Promise<LabStatus> {
  const { name = "lab", onProgress = () => {} } = options;
  mustBeRoot();
  const kind = knownKind(options.kind ?? "namespace");
  const wanted = releasePerHost(options.hosts ?? 2, options.releases ?? [kind === "vm" ? "forky" : "trixie"]);
  const shape: Shape = { kind, releases: wanted, ...(kind === "vm" ? { memoryMiB: options.memoryMiB ?? 3072 } : {}) };
  const folder = labFolder(name);
  const began = performance.now();
  await withLock(lockFile(`lab-${name}`), waiting(name, onProgress), async () => {
    if (kind === "vm") checkMachines(wanted.length - livingHosts(name), shape.memoryMiB ?? 0, await machineFacts());
    const state = await agreedState(name, shape, onProgress, options.packages);
    writeState(state);
    widenPipes();
    makeCgroups(
      name,
      state.hosts.map((host) => host.name),
    );
    const authority = await ensureAuthority(folder);
    const lan = await ensureLan(name);
    const starts = state.hosts.map((host) => ensureHost(state, host, lan, authority, onProgress));
    const failures = (await Promise.allSettled(starts)).filter((start) => start.status === "rejected");
    for (const { reason } of failures.slice(1)) onProgress(errorReport(reason).message);
    if (failures[0]) throw failures[0].reason;
  });
  if (kind === "vm") onProgress(`lab '${name}' is up, after ${Math.round((performance.now() - began) / 1000)} s`);
  const [status] = await labStatus(name);
  if (status) return status;
  throw new GodwitError("lab-failed", `The lab '${name}' was taken down while it started.`);
}

/**
 * Removes a lab in any state, also half-made or crashed: its processes, namespaces, links, cgroups and disks. Does nothing
 * if there is none.
 */
export async function labDown(name = "lab", onProgress: OnProgress = () => {}): Promise<void> {
  mustBeRoot();
  await withLock(lockFile(`lab-${name}`), waiting(name, onProgress), async () => {
    await removeCgroup(labCgroup(name));
    await removeTree(labFolder(name));
  });
}

const livingHosts = (lab: string) => readState(lab)?.hosts.filter((host) => livingHost(lab, host.name)).length ?? 0;

const waiting = (name: string, onProgress: OnProgress) => () =>
  onProgress(`waiting for another command that works on the lab '${name}'`);

function releasePerHost(hosts: number, names: string[]): Release[] {
  const known = names.map((name) => {
    const release = releases.find((release) => release === name);
    if (release) return release;
    throw new GodwitError("usage", `A lab cannot have hosts of the release '${name}'.`, {
      hint: `Releases are ${releases.join(" and ")}.`,
    });
  });
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > 99 || ![1, hosts].includes(known.length)) {
    throw new GodwitError("usage", `A lab cannot have ${hosts} hosts with ${known.length} releases.`, {
      hint: "Give 1 to 99 hosts, and one release for all of them or one for each.",
    });
  }
  return Array.from({ length: hosts }, (_, i) => known[i] ?? known[0] ?? "trixie");
}

interface Shape {
  kind: LabKind;
  releases: Release[];
  memoryMiB?: number;
}

const shapeOf = ({ kind, hosts, memoryMiB }: LabState): Shape => ({
  kind,
  releases: hosts.map(({ release }) => release),
  ...(memoryMiB === undefined ? {} : { memoryMiB }),
});

const shapeText = ({ kind, releases, memoryMiB }: Shape) =>
  [`${kind}:`, ...releases, ...(memoryMiB === undefined ? [] : [`with ${memoryMiB} MiB each`])].join(" ");

async function agreedState(
  name: string,
  wanted: Shape,
  onProgress: OnProgress,
  packages: readonly string[] = [],
): Promise<LabState> {
  let old = readState(name);
  if (old && shapeText(shapeOf(old)) !== shapeText(wanted)) {
    if (existsSync(labCgroup(name))) {
      throw new GodwitError("lab-exists", `The lab '${name}' is up with other hosts: ${shapeText(shapeOf(old))}.`, {
        hint: `Take it down first (godwit lab down --name ${name}), or give the new one another name.`,
      });
    }
    await removeTree(labFolder(name));
    old = undefined;
  }
  // A lab keeps the roots that it was made with, as long as they exist.
  if (old?.hosts.every((host) => existsSync(join(rootsDir(), host.root)))) return old;
  const { releases, ...rest } = wanted;
  const rootOf = (release: Release) =>
    wanted.kind === "vm"
      ? vmRoot(release, rootsInUse, onProgress)
      : hostRoot(release, rootsInUse, onProgress, packages);
  const hosts: LabState["hosts"] = [];
  for (const [i, release] of releases.entries()) {
    const root = basename(await rootOf(release));
    hosts.push({ name: `h${i + 1}`, address: hostAddress(i + 1), release, root });
  }
  return { name, ...rest, hosts };
}

function knownKind(name: string): LabKind {
  const kind = labKinds.find((kind) => kind === name);
  if (kind) return kind;
  throw new GodwitError("usage", `A lab cannot have hosts of the kind '${name}'.`, {
    hint: `Kinds are ${labKinds.join(" and ")}.`,
  });
}

async function ensureAuthority(folder: string): Promise<Authority> {
  const file = join(folder, "authority.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const authority = await createAuthority();
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(authority), { mode: 0o600 });
  return authority;
}

// CRIU's page server needs a pipe of more than 3 MB, and cannot exceed this limit without CAP_SYS_RESOURCE.
function widenPipes(): void {
  const file = "/proc/sys/fs/pipe-max-size";
  const wanted = 8 * 1024 * 1024;
  if (Number(readFileSync(file, "utf8")) < wanted) writeFileSync(file, String(wanted));
}
