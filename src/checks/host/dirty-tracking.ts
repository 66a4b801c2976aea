import type { HostFacts } from "../../contract/facts.ts";
import type { Check, OneHost } from "../check.ts";
import { ok, warn } from "../finding.ts";
import { pipeSize } from "./pipe-size.ts";
import { userfaultfd } from "./userfaultfd.ts";

export const dirtyTracking: Check<OneHost> = {
  key: "dirty-tracking",
  audiences: ["doctor"],
  run: ({ host }) => {
    if (!host.criu) return [];
    if (host.criu.dirtyTracking) return [ok("the kernel marks changed memory (soft-dirty), which pre-copy needs")];
    if (followsPages(host)) return [ok("the kernel tells which memory was written, which pre-copy needs")];
    return [
      warn(
        `kernel ${host.kernel} does not track changed memory: pre-copy is not possible`,
        "boot Linux 6.7 or later with userfaultfd, or a kernel with CONFIG_MEM_SOFT_DIRTY, if you need pre-copy",
      ),
    ];
  },
};

/** Whether a host can send and take shared memory in rounds: CRIU then leaves it out. */
export const sharesApart = ({ criu }: HostFacts): boolean => (criu?.sharedApart && criu.lazyPages) ?? false;

/** Whether a host can send memory in godwit's own rounds. */
const followsPages = (host: HostFacts): boolean => host.pageScan && takesPages(host);

/** Whether a host can take it. The rest of the container is dumped and restored as in post-copy. */
const takesPages = (host: HostFacts): boolean =>
  [userfaultfd, pipeSize].every((check) => check.run({ host, memoryFollows: true })[0]?.level === "ok");

/** Fewer bytes that are copied are not worth a round of their own. */
const leastCopied = 8 * 2 ** 20;

/**
 * Whether a container's processes share by copy-on-write after a move what they share before: godwit's own rounds bring such a page once,
 * and put it into the parent.
 */
export const keepsSharing = (source: HostFacts, destination: HostFacts, { copiedBytes }: { copiedBytes: number }) =>
  copiedBytes >= leastCopied && sharesApart(destination) && roundsBetween(source, destination) === "own";

/**
 * Who makes the rounds of pre-copy between two hosts: CRIU, by pre-dumps, where both kernels mark changed memory (soft-dirty), or godwit,
 * where the source's kernel tells which pages were written. Undefined where nobody can.
 */
export function roundsBetween(source: HostFacts, destination: HostFacts): "pre-dump" | "own" | undefined {
  if (source.criu?.dirtyTracking && destination.criu?.dirtyTracking) return "pre-dump";
  return followsPages(source) && takesPages(destination) ? "own" : undefined;
}
