import { beforeAll, describe, expect, test } from "vitest";
import {
  changeEverything,
  expectSame,
  type Manifests,
  makeFileKindsImage,
  manifestsOf,
  startFileKinds,
} from "../support/files/manifests.ts";
import { isFullRun, testInFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive } from "../support/looper.ts";
import { eventually } from "../support/wait.ts";

/** rsync reads holes, a second each 70 MB. */
const largestHole = isFullRun ? 2 ** 30 : 2 ** 27;
const lab = useLab("files", ["trixie", "forky"], ["busybox"]);
beforeAll(() => makeFileKindsImage(lab, ["h1", "h2"], largestHole));

/** A container with files of every kind that counts. @returns its files */
async function started(name: string): Promise<Manifests> {
  await startFileKinds(lab, "h1", name);
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
  await changeEverything(lab, host, name);
  const now = await manifestsOf(lab, host, name);
  expect(() => expectSame(now, before)).toThrow();
  return now;
}

test("files of every kind are the same on the other host, and back: cold and post-copy", async () => {
  const before = await started("kinds");
  await lab.json("migrate", "h1/kinds", "h2", "--mode", "cold");
  expectSame(await manifestsOf(lab, "h2", "kinds"), before);
  const after = await changed("h2", "kinds", before);
  await lab.json("migrate", "h2/kinds", "h1", "--mode", "postcopy");
  expectSame(await manifestsOf(lab, "h1", "kinds"), after);
  expectConsecutive(await countsOn(lab, "h1", "kinds"));
});

test("a rollback, and clones on both hosts, have the files of the checkpoint", async () => {
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

testInFullRun(
  "a rollback on the other host has the files of the checkpoint that moved with its container",
  async () => {
    const before = await started("along");
    await lab.json("checkpoint", "create", "h1/along", "cp");
    await changed("h1", "along", before);
    await lab.json("migrate", "h1/along", "h2");
    await lab.json("rollback", "h2/along", "cp");
    expectSame(await manifestsOf(lab, "h2", "along"), before);
    await countsOn(lab, "h2", "along");
  },
);

/** Moves folders, links and removes files, as fast as it can, and counts as long as all of it is as it left it. */
const restless = `
mkdir -p /t/one/deep/er /t/two && echo kept >/t/one/deep/er/x && echo f >/t/f
n=0
while true; do
  mv /t/one/deep /t/two/deep && ln /t/f /t/two/f && mkdir /t/made && echo $n >/t/made/n &&
    [ "$(cat /t/two/deep/er/x /t/made/n)" = "kept
$n" ] && [ ! -e /t/one/deep ] && [ /t/f -ef /t/two/f ] &&
    rm -r /t/made /t/two/f && mv /t/two/deep /t/one/deep &&
    [ "$(cat /t/one/deep/er/x)" = kept ] && [ "$(echo /t/* /t/two/*)" = "/t/f /t/one /t/two /t/two/*" ] || { echo BROKEN; exit 1; }
  echo $n
  n=$((n + 1))
done`;

describe("files in the writable layer", () => {
  test("are as the program left them, though it changes them all the time", async () => {
    await lab.on("h1", `docker run --pull never -d --name restless busybox sh -c '${restless}'`);
    await countsOn(lab, "h1", "restless");
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      await lab.json("migrate", `${from}/restless`, to);
      expectConsecutive(await countsOn(lab, to, "restless"));
    }
  });

  test("a file of the image that is removed during the move stays removed, and the move goes on", async () => {
    const make = "docker run --name stock busybox sh -c 'mkdir /z; echo image >/z/last'";
    await lab.on("h1", `${make} && docker commit stock stocked && docker rm stock`);
    // The writable layer has a copy of it that is to be sent, and then a device that hides it, which rsync cannot open.
    const program = "echo more >>/z/last; head -c 50000000 /dev/urandom >/big; echo written; exec tail -f /dev/null";
    await lab.on("h1", `docker run --pull never -d --name remover stocked sh -c '${program}'`);
    await eventually("it has written", async () => (await lab.on("h1", "docker logs remover")) || undefined);
    const remove = () => lab.on("h1", "sleep 1; docker exec remover rm /z/last");
    const { status, stdout } = await lab.during("sync", remove, "migrate", "h1/remover", "h2", "--bandwidth", "80mbit");
    expect(status, stdout.slice(-2000)).toBe(0);
    expect(await lab.on("h2", "docker exec remover sh -c 'ls /z; wc -c </big'")).toBe("50000000");
  });
});
