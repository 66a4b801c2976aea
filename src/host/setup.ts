import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { GodwitError } from "../contract/errors.ts";
import type { Engine } from "./engine/engine.ts";
import { hookName, hookPath, installFolder, pendingFolder } from "./paths.ts";
import { run } from "./proc/process.ts";

const daemonFile = "/etc/docker/daemon.json";
const backupFile = `${daemonFile}.before-godwit`;
/** Reloading its configuration takes dockerd some tens of milliseconds. */
const reloadPatienceMs = 10_000;

/** What is put into `installFolder`, as paths in the package. */
export const installedFiles = [
  "runtime/godwit-runtime",
  "runtime/godwit-announce",
  "dist/godwit-lazy-pages",
  "dist/godwit-blocks",
  "dist/godwit-memory",
  "dist/godwit-state",
  "dist/godwit-criu.so",
];

export interface SetupResult {
  changed: boolean;
  registered: boolean;
  /** What was done, or found done, a sentence each. */
  notes: string[];
}

/**
 * Registers the runtime hook with Docker, or takes it out again; running containers are untouched, and so are all other keys
 * of daemon.json. Doing it twice changes nothing.
 * @throws docker-unreachable; usage where daemon.json is not JSON; hook-in-use where containers still need the hook
 */
export async function setupHook(engine: Engine, options: { remove?: boolean } = {}): Promise<SetupResult> {
  // Nothing is changed where the engine does not answer.
  await engine.facts();
  return options.remove ? removeHook(engine) : installHook(engine);
}

async function installHook(engine: Engine): Promise<SetupResult> {
  const notes: string[] = [];
  const updated = await installFiles();
  notes.push(
    updated ? `Put the runtime hook into ${installFolder}.` : `The runtime hook is in ${installFolder} already.`,
  );
  await mkdir(pendingFolder, { recursive: true, mode: 0o700 });
  const config = await readDaemonFile();
  const runtimes = (config.runtimes ?? {}) as Record<string, { path?: string }>;
  const known = runtimes[hookName]?.path === hookPath;
  if (known) notes.push(`${daemonFile} names the runtime '${hookName}' already.`);
  else {
    notes.push(await writeDaemonFile({ ...config, runtimes: { ...runtimes, [hookName]: { path: hookPath } } }));
  }
  if (!(await isRegistered(engine))) {
    await reload(engine, true);
    notes.push("Docker has reloaded its configuration; running containers were not touched.");
  }
  return { changed: updated || !known, registered: true, notes };
}

async function removeHook(engine: Engine): Promise<SetupResult> {
  const users = await containersOfHook(engine);
  if (users.length > 0) {
    throw new GodwitError(
      "hook-in-use",
      `The runtime hook is still needed by ${users.length === 1 ? "container" : "containers"} ${users.join(", ")}.`,
      {
        hint: "Remove these containers, or create them again without --runtime godwit, then run this again.",
      },
    );
  }
  const config = await readDaemonFile();
  const runtimes = (config.runtimes ?? {}) as Record<string, unknown>;
  const notes: string[] = [];
  if (hookName in runtimes) {
    const { [hookName]: _, ...others } = runtimes;
    const { runtimes: __, ...rest } = config;
    // Docker takes runtimes over only where the key is there; so it goes, if nothing else is in it, after the reload.
    notes.push(await writeDaemonFile({ ...rest, runtimes: others }));
    await reload(engine, false);
    if (Object.keys(others).length === 0) await writeDaemonFile(rest);
    notes.push("Docker has reloaded its configuration; running containers were not touched.");
  } else notes.push(`${daemonFile} does not name the runtime '${hookName}'.`);
  const installed = existsSync(hookPath);
  await rm(installFolder, { recursive: true, force: true });
  if (installed) notes.push(`Removed ${installFolder}.`);
  return { changed: hookName in runtimes || installed, registered: false, notes };
}

/** Whether Docker has the hook among its runtimes. */
export async function isRegistered(engine: Engine): Promise<boolean> {
  return (await engine.facts()).runtimes.includes(hookName);
}

/** Whether what the host calls is in place, as this version of the package has it. */
export const isInstalled = async (): Promise<boolean> => (await filesToInstall()).length === 0;

interface InstalledFile {
  target: string;
  wanted: Buffer;
}

/** Those that are missing, or of another version. */
async function filesToInstall(): Promise<InstalledFile[]> {
  const from = packageFolder();
  const files = installedFiles.map(async (file) => {
    const target = join(installFolder, basename(file));
    const [wanted, found] = await Promise.all([readFile(join(from, file)), readFile(target).catch(() => undefined)]);
    return found && wanted.equals(found) ? [] : [{ target, wanted }];
  });
  return (await Promise.all(files)).flat();
}

/** Copies what the host calls from the package; whether anything was new. */
async function installFiles(): Promise<boolean> {
  const files = await filesToInstall();
  await mkdir(installFolder, { recursive: true });
  for (const { target, wanted } of files) {
    // Replaced as a whole: Docker may be reading the old one.
    await writeFile(`${target}.new`, wanted);
    await chmod(`${target}.new`, 0o755);
    await rename(`${target}.new`, target);
  }
  return files.length > 0;
}

/** The package's own folder, from the bundle in dist/ as from the sources. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "runtime", "godwit-runtime"))) {
    const above = dirname(folder);
    if (above === folder) throw new Error("the package has no folder runtime/");
    folder = above;
  }
  return folder;
}

async function readDaemonFile(): Promise<Record<string, unknown>> {
  const content = await readFile(daemonFile, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  try {
    return (content.trim() === "" ? {} : JSON.parse(content)) as Record<string, unknown>;
  } catch (error) {
    throw new GodwitError(
      "usage",
      `${daemonFile} is not valid JSON (${(error as Error).message}); nothing was changed.`,
      {
        hint: "Mend the file, then run godwit setup again.",
      },
    );
  }
}

async function writeDaemonFile(config: Record<string, unknown>): Promise<string> {
  await mkdir(dirname(daemonFile), { recursive: true });
  const existed = existsSync(daemonFile);
  if (existed && !existsSync(backupFile)) await copyFile(daemonFile, backupFile);
  await writeFile(`${daemonFile}.new`, `${JSON.stringify(config, null, 2)}\n`);
  await rename(`${daemonFile}.new`, daemonFile);
  return existed ? `Changed ${daemonFile}; the file as it was is ${backupFile}.` : `Wrote ${daemonFile}.`;
}

async function reload(engine: Engine, registered: boolean): Promise<void> {
  const pid = (await readFile("/var/run/docker.pid", "utf8").catch(() => "")).trim();
  await run("kill", ["-HUP", pid || (await run("pidof", ["dockerd"])).split(" ")[0] || "dockerd"]);
  const deadline = Date.now() + reloadPatienceMs;
  while ((await isRegistered(engine)) !== registered) {
    if (Date.now() > deadline) {
      throw new GodwitError("docker-failed", "Docker did not take over its changed configuration.", {
        hint: `Look at Docker's log (journalctl -u docker) for what it says about ${daemonFile}.`,
      });
    }
    await sleep(50);
  }
}

async function containersOfHook(engine: Engine): Promise<string[]> {
  const found = await Promise.all((await engine.containers()).map(({ Id }) => engine.find(Id)));
  return found
    .filter((container) => container?.HostConfig.Runtime === hookName)
    .map((container) => container?.Name.replace(/^\//, "") ?? "");
}
