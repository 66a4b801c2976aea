import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GodwitError } from "../../contract/errors.ts";
import { labRun } from "../host/exec.ts";
import { withLock } from "../lock.ts";
import { imagesDir, lockFile, rootsDir } from "../paths.ts";
import { programImages, programRecipe } from "../program-recipes.ts";
import { appsRecipe, gccRecipe, hostRecipe, type Recipe, recipeKey } from "../recipe.ts";
import { must, type RunOptions } from "../run.ts";
import { mustState } from "../state.ts";
import { imageRoot, type OnProgress, removeTree } from "./roots.ts";

/**
 * Images that a lab makes without a registry, each with its recipe: `busybox` has a shell and its tools, taken from the root of a host;
 * `gcc` compiles C, `apps` has servers; the others have families of programs (test/programs).
 */
const recipes: Record<string, Recipe | "of the host"> = {
  busybox: "of the host",
  gcc: gccRecipe,
  apps: appsRecipe,
  ...Object.fromEntries(programImages.map((name) => [name, programRecipe(name)])),
};
export const testImages = Object.keys(recipes);

/**
 * Loads a test image into a host's Docker, without a registry, and returns its id. The image is made once on this machine
 * and has the same id on every host. @throws GodwitError `usage` for an unknown image, `docker-failed`
 */
export async function labImage(
  lab: string,
  host: string,
  image: string,
  onProgress: OnProgress = () => {},
): Promise<string> {
  const recipe = recipes[image];
  if (!recipe) {
    throw new GodwitError("usage", `A lab cannot make the image '${image}'.`, {
      hint: `It can make ${testImages.join(", ")}.`,
    });
  }
  const isOfHost = recipe === "of the host";
  const key = isOfHost ? `busybox-${recipeKey(hostRecipe("trixie"))}` : recipeKey(recipe);
  const [tar, idFile] = [join(imagesDir(), `${key}.tar`), join(imagesDir(), `${key}.id`)];
  const docker = dockerOf(lab, host);
  const wait = () => onProgress(`waiting for the image ${image}, which another command makes`);
  await withLock(lockFile(`image-${image}`), wait, async () => {
    if (existsSync(idFile) && existsSync(tar)) return;
    const stale = readdirIfAny().filter((name) => name.replace(/^\.tmp-/, "").startsWith(`${image}-`));
    for (const name of stale) await removeTree(join(imagesDir(), name));
    const root = isOfHost ? await busyboxRoot(lab, key) : await imageRoot(recipe, onProgress);
    await docker(["import", "--change", 'CMD ["/bin/sh"]', "-", `${image}:latest`], { input: { file: root } });
    await removeTree(root);
    await docker(["save", `${image}:latest`], { outputFile: `${tar}.new` });
    renameSync(`${tar}.new`, tar);
    writeFileSync(idFile, await imageId(docker, image));
  });
  const id = readFileSync(idFile, "utf8");
  // An image that cannot be inspected is loaded. If Docker itself does not work, the load fails and says why.
  if ((await imageId(docker, image).catch(() => "")) !== id) await docker(["load"], { input: { file: tar } });
  return imageId(docker, image);
}

type Docker = (args: string[], options?: RunOptions) => Promise<string>;

function dockerOf(lab: string, host: string): Docker {
  return async (args, options) => {
    const result = await labRun(lab, host, ["docker", ...args], options);
    if (result.status === 0) return result.stdout;
    throw new GodwitError("docker-failed", `Docker refused 'docker ${args[0]}' on ${host}.`, {
      details: result.stderr.trim().split("\n").slice(-12),
    });
  };
}

const imageId = async (docker: Docker, image: string) =>
  (await docker(["image", "inspect", "--format", "{{.Id}}", `${image}:latest`])).trim();

// Makes a tar file with the static busybox of a host's root and a link for each of its tools.
async function busyboxRoot(lab: string, key: string): Promise<string> {
  const folder = join(imagesDir(), `.tmp-${key}`);
  const tar = `${folder}.root.tar`;
  await removeTree(folder);
  const root = join(rootsDir(), mustState(lab).hosts[0]?.root ?? "");
  for (const name of ["bin", "etc", "proc", "sys", "dev", "root", "tmp"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(folder, "etc/group"), "root:x:0:\n");
  await must("cp", [join(root, "usr/bin/busybox"), join(folder, "bin/busybox")]);
  await must("chroot", [folder, "/bin/busybox", "--install", "-s", "/bin"]);
  await must("chmod", ["1777", join(folder, "tmp")]);
  await must("tar", ["-C", folder, "--owner=0", "--group=0", "--numeric-owner", "-cf", tar, "."]);
  await removeTree(folder);
  return tar;
}

const readdirIfAny = () => (existsSync(imagesDir()) ? readdirSync(imagesDir()) : []);
