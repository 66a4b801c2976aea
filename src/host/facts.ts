import { existsSync } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { arch, release } from "node:os";
import { delimiter, join } from "node:path";
import { errorReport } from "../contract/errors.ts";
import type { HostFacts } from "../contract/facts.ts";
import { protocol, version } from "../contract/version.ts";
import { criuFeatures } from "./criu/features.ts";
import type { Engine } from "./engine/engine.ts";
import { hookName, stateFolder } from "./paths.ts";
import { hasSysResource } from "./proc/capabilities.ts";
import { dirtyTracking } from "./proc/dirty-tracking.ts";
import { kept } from "./proc/kept.ts";
import { type Mount, mountsOf } from "./proc/mountinfo.ts";
import { run } from "./proc/process.ts";
import { isInstalled } from "./setup.ts";

const tools = ["runc", "criu", "rsync", "tar", "perl", "mount", "umount", "nsenter", "nft"];

/** Everything that a move needs to know about this host. What its programs say about themselves may be a minute old. */
export async function readHostFacts(name: string, engine: Engine): Promise<HostFacts> {
  const [dockerFacts, criu, runc, memory] = await Promise.all([
    readEngine(engine),
    criuFeatures(),
    runcVersion(),
    readMemory(),
  ]);
  const dockerRoot = dockerFacts.docker?.rootDir ?? "/var/lib/docker";
  return {
    name,
    agentVersion: version,
    protocol,
    kernel: release(),
    architecture: { x64: "x86_64", arm64: "aarch64" }[arch() as string] ?? arch(),
    docker: dockerFacts.docker,
    ...(dockerFacts.problem ? { dockerProblem: dockerFacts.problem } : {}),
    hook: { registered: dockerFacts.registered, installed: await isInstalled() },
    runc,
    criu,
    ...(await dirtyTracking()),
    pipeMaxSize: Number(await readFile("/proc/sys/fs/pipe-max-size", "utf8")),
    capSysResource: await hasSysResource(),
    freezer: await readFreezer(),
    memory,
    disk: { dockerFreeBytes: await freeBytes(dockerRoot), storeFreeBytes: await freeBytes(stateFolder) },
    missingTools: tools.filter((tool) => !isOnPath(tool)),
  };
}

async function readEngine(
  engine: Engine,
): Promise<{ docker: HostFacts["docker"]; registered: boolean; problem?: string }> {
  try {
    const docker = await engine.facts();
    return { docker, registered: docker.runtimes.includes(hookName) };
  } catch (error) {
    return { docker: null, registered: false, problem: errorReport(error).message };
  }
}

const runcVersion = kept(async (): Promise<string | null> => {
  const output = await run("runc", ["--version"]).catch(() => "");
  return output.match(/runc version (\S+)/)?.[1] ?? null;
});

async function readMemory(): Promise<HostFacts["memory"]> {
  const text = await readFile("/proc/meminfo", "utf8");
  const bytes = (name: string) => Number(text.match(new RegExp(`^${name}:\\s*(\\d+)`, "m"))?.[1] ?? 0) * 1024;
  return { totalBytes: bytes("MemTotal"), availableBytes: bytes("MemAvailable") };
}

async function readFreezer(): Promise<HostFacts["freezer"]> {
  const mounts = await mountsOf("self");
  if (mounts.some(({ type }) => type === "cgroup2")) return "v2";
  const isFreezer = ({ type, superOptions }: Mount) => type === "cgroup" && superOptions.split(",").includes("freezer");
  return mounts.some(isFreezer) ? "v1" : "none";
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize;
}

function isOnPath(tool: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, tool)));
}
