import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { GodwitError } from "../contract/errors.ts";

/** The folder of all labs, their roots and their images. It is outside the checkout and stays when the checkout is removed. */
export const labDir = (): string => process.env.GODWIT_LAB_DIR ?? "/var/lib/godwit-lab";

export const rootsDir = (): string => join(labDir(), "roots");
export const imagesDir = (): string => join(labDir(), "images");
export const labsDir = (): string => join(labDir(), "labs");
export const labFolder = (name: string): string => join(labsDir(), checkedName(name));
export const hostFolder = (lab: string, host: string): string => join(labFolder(lab), "hosts", host);
export const lockFile = (what: string): string => join(labDir(), "locks", what);

/**
 * The cgroup of a lab, relative to the cgroup2 mount. It depends only on the lab's name and `labDir`: `down` finds every
 * process of a lab even if no file of the lab exists.
 */
export function cgroupName(lab: string): string {
  const place = createHash("sha256").update(labDir()).digest("hex").slice(0, 6);
  return `godwit-lab-${checkedName(lab)}-${place}`;
}

/** The checkout that this code runs from, as source or as the bundle in dist/. Hosts in namespaces mount parts of it. */
export function checkoutDir(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) {
    if (folder === "/") throw new Error("this code lies outside a checkout of godwit");
    folder = dirname(folder);
  }
  return folder;
}

/** The path of a shell script of the lab. It is in the checkout, because the bundle does not contain it. */
export const script = (name: string): string => join(checkoutDir(), "src/lab", name);

function checkedName(name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) return name;
  throw new GodwitError("invalid-name", `'${name}' cannot be the name of a lab.`, {
    hint: "Use up to 31 lower-case letters, digits and dashes.",
  });
}
