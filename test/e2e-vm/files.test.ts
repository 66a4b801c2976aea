import { beforeAll, test } from "vitest";
import { changeWildly, expectSame, makeOddImage, manifestsOf, startOdd } from "../e2e/support/files/manifests.ts";
import { countsOn, expectConsecutive } from "../e2e/support/looper.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab();
// An emulated machine reads a GiB of zeros for minutes.
beforeAll(() => makeOddImage(lab, ["h1", "h2"], 2 ** 26));

test("files of every kind are the same on the other host, and back: pre-copy", async () => {
  await startOdd(lab, "h1", "odd");
  await countsOn(lab, "h1", "odd");
  const before = await manifestsOf(lab, "h1", "odd");
  await lab.json("migrate", "h1/odd", "h2", "--mode", "precopy");
  expectSame(await manifestsOf(lab, "h2", "odd"), before);
  await changeWildly(lab, "h2", "odd");
  const changed = await manifestsOf(lab, "h2", "odd");
  await lab.json("migrate", "h2/odd", "h1", "--mode", "precopy");
  expectSame(await manifestsOf(lab, "h1", "odd"), changed);
  expectConsecutive(await countsOn(lab, "h1", "odd"));
});
