import { afterEach, beforeAll, inject } from "vitest";
import { cleanHost, mustGodwit, type TestLab, testLab } from "../../e2e/support/lab.ts";

const hosts = ["h1", "h2"];

/**
 * The lab of two virtual machines that all files of this project share. Every test begins without containers and
 * checkpoints; h1 has the images. A test that ends a daemon waits until it is back.
 */
export function useVmLab(images: string[] = ["busybox"]): TestLab {
  const lab = testLab(inject("vmLab"));
  const clean = () => Promise.all(hosts.map((host) => cleanHost(lab, host)));
  beforeAll(async () => {
    await clean();
    for (const image of images) await mustGodwit(lab, "lab", "image", "h1", image);
  });
  afterEach(clean);
  return lab;
}
