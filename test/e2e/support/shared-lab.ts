import { afterAll, afterEach, beforeAll, inject } from "vitest";
import type { Release } from "../../../src/lab/recipe.ts";
import { bringUp, cleanHost, type TestLab, testLab } from "./lab.ts";

/**
 * The lab of these releases that all files share which run in this worker, one after another: for files that leave nothing behind in
 * their hosts but what Docker and godwit keep there. It is taken down at the end of the run. Every test begins without containers
 * and checkpoints, every file also without images (but those of h1), volumes and networks.
 */
export function useSharedLab(releases: Release[], images?: string[]): TestLab {
  const shape = releases.map((release) => release[0]).join("");
  const lab = testLab(`${inject("labPrefix")}${process.env.VITEST_POOL_ID ?? "1"}-${shape}`);
  const hosts = releases.map((_, i) => `h${i + 1}`);
  beforeAll(() => bringUp(lab, releases, images));
  afterEach(async () => {
    await Promise.all(hosts.map((host) => cleanHost(lab, host)));
  });
  afterAll(async () => {
    await Promise.all(hosts.map((host) => lab.on(host, emptyHost(host === "h1" ? labImages : "nothing"))));
  });
  return lab;
}

/** Those that a lab makes: to load them again takes longer than all the rest. */
const labImages = "(busybox|gcc|apps):latest";

/** A script that brings a host without containers back to how it came up. */
const emptyHost = (kept: string) =>
  [
    "docker network prune -f",
    "docker volume prune -a -f",
    `docker images --format '{{.Repository}}:{{.Tag}}' | grep -vxE '${kept}' | grep -v '<none>' | xargs -r docker rmi -f`,
    // Images that have no name, or whose last name was taken.
    "docker image prune -f",
    "rm -rf /var/lib/godwit/pending/*",
  ].join(" >/dev/null && ");
