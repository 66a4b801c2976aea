import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { withLock } from "../lock.ts";
import { imagesDir, lockFile, rootsDir } from "../paths.ts";
import { hostRecipe, mmdebstrapArguments, type Recipe, type Release, recipeKey } from "../recipe.ts";
import { missingCommand, must, run } from "../run.ts";
import { type AptSource, findAptSource } from "./apt-source.ts";

export type OnProgress = (line: string) => void;

/**
 * Returns the folder of the root that hosts of a release share as their lower layer, with `more` packages. If this machine
 * lacks it, builds it in half a minute, and removes older roots of the same name that no lab uses (`inUse`).
 * @throws GodwitError `lab-failed`, `unsupported-system`
 */
export async function hostRoot(
  release: Release,
  inUse: () => string[],
  onProgress: OnProgress,
  more: readonly string[] = [],
): Promise<string> {
  const recipe = hostRecipe(release, more);
  const root = join(rootsDir(), recipeKey(recipe));
  return cachedRoot(recipe.name, root, inUse, onProgress, async () => {
    await buildRoot(recipe, rootsDir(), "directory", onProgress);
  });
}

/**
 * Returns `root`, a folder `NAME-...` below roots/ that all labs share. If it does not exist, removes older ones that are
 * not `inUse` and calls `make`, which makes it.
 */
export async function cachedRoot(
  name: string,
  root: string,
  inUse: () => string[],
  onProgress: OnProgress,
  make: () => Promise<void>,
): Promise<string> {
  if (existsSync(root)) return root;
  const wait = () => onProgress(`waiting for the root ${name}, which another command builds`);
  await withLock(lockFile(`root-${name}`), wait, async () => {
    if (existsSync(root)) return;
    const stale = readdirIfAny(rootsDir()).filter((found) => found.replace(/^\.tmp-/, "").startsWith(`${name}-`));
    for (const found of stale.filter((found) => !inUse().includes(found))) await removeTree(join(rootsDir(), found));
    await make();
  });
  return root;
}

/** Builds the root of a test image. @returns the path of a tar file; the caller removes it once Docker has it */
export async function imageRoot(recipe: Recipe, onProgress: OnProgress): Promise<string> {
  return buildRoot(recipe, imagesDir(), "tar", onProgress);
}

/** Removes a folder, but nothing that is mounted below it. */
export async function removeTree(folder: string): Promise<void> {
  await must("rm", ["-rf", "--one-file-system", "--", folder]);
}

/** Builds a root of Debian packages below the folder `into`. @returns its path @throws GodwitError `lab-failed`, `unsupported-system` */
export async function buildRoot(
  recipe: Recipe,
  into: string,
  format: "directory" | "tar",
  onProgress: OnProgress,
): Promise<string> {
  if ((await run("sh", ["-c", "command -v mmdebstrap"])).status !== 0) throw missingCommand("mmdebstrap");
  const name = recipeKey(recipe) + (format === "tar" ? ".root.tar" : "");
  const scratch = join(into, `.tmp-${name}`);
  await removeTree(scratch);
  mkdirSync(scratch, { recursive: true });
  onProgress(`building the root ${recipe.name}: Debian ${recipe.release}, ${recipe.packages.length} packages`);
  const args = mmdebstrapArguments(recipe, machineSource(), await machineAcquire(), join(scratch, "root"), format);
  // mmdebstrap has its own namespaces and is killed when this process ends: an interrupted build leaves no mount or process.
  const alone = ["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const result = await run("setpriv", [...alone, "env", `TMPDIR=${scratch}`, "mmdebstrap", ...args], {
    onLine: (line) => {
      const step = /^I: ((?:running apt|downloading|extracting|installing|creating|success).*)/.exec(line)?.[1];
      if (step) onProgress(`root ${recipe.name}: ${step}`);
    },
  });
  if (result.status !== 0) {
    await removeTree(scratch);
    throw new GodwitError("lab-failed", `The root ${recipe.name} could not be built from ${machineSource().uri}.`, {
      hint: "mmdebstrap's last lines say why. The lab uses the same Debian mirror as this machine's apt.",
      details: result.stderr.trim().split("\n").slice(-12),
    });
  }
  renameSync(join(scratch, "root"), join(into, name));
  await removeTree(scratch);
  return join(into, name);
}

function machineSource(): AptSource {
  const codename = /^VERSION_CODENAME="?([a-z]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  const parts = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...readdirIfAny(parts).map((name) => join(parts, name))]
    .filter((name) => /\.(list|sources)$/.test(name) && existsSync(name))
    .map((name) => ({ name, text: readFileSync(name, "utf8") }));
  const source = findAptSource(files, codename);
  if (source) return source;
  throw new GodwitError(
    "unsupported-system",
    "This machine's apt names no Debian mirror to build a lab's hosts from.",
    {
      hint: `Add an entry for '${codename || "your release"} main' below /etc/apt.`,
    },
  );
}

/** This machine's settings for apt to reach the mirror: proxies and certificates. */
async function machineAcquire(): Promise<string[]> {
  const dump = await must("apt-config", ["dump"]);
  return dump.split("\n").filter((line) => /^Acquire::https?::.* "..*";$/.test(line));
}

const readdirIfAny = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
