import { beforeAll, expect, test } from "vitest";
import { isFullRun } from "./support/extent.ts";
import {
  changeWildly,
  expectSame,
  type Manifests,
  makeOddImage,
  manifestsOf,
  startOdd,
} from "./support/files/manifests.ts";
import { useLab } from "./support/lab.ts";
import { countsOn, expectConsecutive } from "./support/looper.ts";

/** rsync reads holes, a second each 70 MB. */
const largestHole = isFullRun ? 2 ** 30 : 2 ** 27;
const lab = useLab("files", ["trixie", "forky"], ["busybox"]);
beforeAll(() => makeOddImage(lab, ["h1", "h2"], largestHole));

/** A container with files of every kind that counts. @returns its files */
async function started(name: string): Promise<Manifests> {
  await startOdd(lab, "h1", name);
  await countsOn(lab, "h1", name);
  const found = await manifestsOf(lab, "h1", name);
  const all = found.outside.filter(
    (line) => /\/holes\/all file /.test(line) && line.includes(` size=${largestHole} data= `),
  );
  expect(all.length).toBe(2);
  return found;
}

/** Changes everything, and sees that a manifest shows it. @returns the files then */
async function changed(host: string, name: string, before: Manifests): Promise<Manifests> {
  await changeWildly(lab, host, name);
  const now = await manifestsOf(lab, host, name);
  expect(() => expectSame(now, before)).toThrow();
  return now;
}

test("files of every kind are the same on the other host, and back: cold and post-copy", async () => {
  const before = await started("odd");
  await lab.json("migrate", "h1/odd", "h2", "--mode", "cold");
  expectSame(await manifestsOf(lab, "h2", "odd"), before);
  const after = await changed("h2", "odd", before);
  await lab.json("migrate", "h2/odd", "h1", "--mode", "postcopy");
  expectSame(await manifestsOf(lab, "h1", "odd"), after);
  expectConsecutive(await countsOn(lab, "h1", "odd"));
});

test("they are those of the checkpoint after a rollback, and in clones here and on the other host", async () => {
  const before = await started("back");
  await lab.json("checkpoint", "create", "h1/back", "cp");
  await changed("h1", "back", before);
  await lab.json("rollback", "h1/back", "cp");
  expectSame(await manifestsOf(lab, "h1", "back"), before);
  await countsOn(lab, "h1", "back");
  await lab.json("clone", "h1/back@cp", "twin");
  expectSame(await manifestsOf(lab, "h1", "twin"), before);
  await lab.json("clone", "h1/back@cp", "h2/far");
  expectSame(await manifestsOf(lab, "h2", "far"), before);
  await countsOn(lab, "h2", "far");
});

test("they are those of a checkpoint that has followed its container", async () => {
  const before = await started("along");
  await lab.json("checkpoint", "create", "h1/along", "cp");
  await changed("h1", "along", before);
  await lab.json("migrate", "h1/along", "h2");
  await lab.json("rollback", "h2/along", "cp");
  expectSame(await manifestsOf(lab, "h2", "along"), before);
  await countsOn(lab, "h2", "along");
});
