import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { rootsDir, script } from "../paths.ts";
import { kernelRecipe, type Release, recipeKey, vmRecipe } from "../recipe.ts";
import { buildRoot, cachedRoot, type OnProgress, removeTree } from "../roots/roots.ts";
import { must } from "../run.ts";

/**
 * Returns the folder from which all virtual machines of a release boot. It has `vmlinuz` and `root.img`, which is never
 * written to. Builds it in a minute or two if this machine lacks it.
 */
export function vmRoot(release: Release, inUse: () => string[], onProgress: OnProgress): Promise<string> {
  const recipes = [vmRecipe(release), kernelRecipe] as const;
  const scripts = ["vm/assemble.sh", "vm/guest/first-init.sh"].map((name) => readFileSync(script(name), "utf8"));
  const key = createHash("sha256")
    .update(JSON.stringify([recipes.map(recipeKey), scripts]))
    .digest("hex");
  const root = join(rootsDir(), `vm-${release}-${key.slice(0, 12)}`);
  return cachedRoot(`vm-${release}`, root, inUse, onProgress, async () => {
    const scratch = join(rootsDir(), `.tmp-vm-${release}-${key.slice(0, 12)}`);
    await removeTree(scratch);
    const image = join(scratch, "image");
    mkdirSync(image, { recursive: true });
    const [system, kernel] = await Promise.all(
      recipes.map((recipe) => buildRoot(recipe, scratch, "directory", onProgress)),
    );
    onProgress(`root vm-${release}: writing the disk image`);
    // The script is killed when this process ends: an interrupted build leaves no process that still writes.
    const args = [script("vm/assemble.sh"), system ?? "", kernel ?? "", script("vm/guest/first-init.sh"), image];
    await must("setpriv", ["--pdeathsig", "KILL", "sh", ...args]);
    renameSync(image, root);
    await removeTree(scratch);
  });
}
