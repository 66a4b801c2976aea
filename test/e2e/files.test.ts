import { beforeAll, test } from "vitest";
import { changeWildly, expectSame, makeOddImage, manifestsOf, startOdd } from "./support/files/manifests.ts";
import { useLab } from "./support/lab.ts";
import { countsOn, expectConsecutive } from "./support/looper.ts";

const hosts = ["h1", "h2"];
const lab = useLab("files", ["trixie", "forky"], ["busybox"]);
beforeAll(() => makeOddImage(lab, hosts));

test("files of every kind are the same on the other host, and back: cold and post-copy", async () => {
  await startOdd(lab, "h1", "odd");
  await countsOn(lab, "h1", "odd");
  const before = await manifestsOf(lab, "h1", "odd");
  await lab.json("migrate", "h1/odd", "h2", "--mode", "cold");
  expectSame(await manifestsOf(lab, "h2", "odd"), before);
  await changeWildly(lab, "h2", "odd");
  const changed = await manifestsOf(lab, "h2", "odd");
  await lab.json("migrate", "h2/odd", "h1", "--mode", "postcopy");
  expectSame(await manifestsOf(lab, "h1", "odd"), changed);
  expectConsecutive(await countsOn(lab, "h1", "odd"));
});
