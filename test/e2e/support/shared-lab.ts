import { afterAll, afterEach, beforeAll, inject } from "vitest";
import type { Release } from "../../../src/lab/recipe.ts";
import { bringUp, cleanHost, type TestLab, testLab } from "./lab.ts";

/**
 * The lab of these releases that all files of this worker share, one after another. It is for files that leave nothing in their hosts
 * but what Docker and godwit keep there, and files in /srv. The end of the run takes it down. Every test begins without containers
 * and checkpoints. Every file begins without volumes, networks and images (h1 keeps the lab's own images).
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

/** The images that a lab makes. They stay, because loading them again takes longer than all the rest. */
const labImages = "(busybox|gcc|apps):latest";

/** A script that resets a host without containers to its first state. `kept` matches the names of images that stay. */
const emptyHost = (kept: string) =>
  [
    "docker network prune -f",
    "docker volume prune -a -f",
    `docker images --format '{{.Repository}}:{{.Tag}}' | grep -vxE '${kept}' | grep -v '<none>' | xargs -r docker rmi -f`,
    // Images that have no name, or whose last name was removed.
    "docker image prune -f",
    // Bind mounts of tests lie in /srv.
    "rm -rf /var/lib/godwit/pending/* /srv/*",
  ].join(" >/dev/null && ");
