import type { HostFacts } from "../../contract/facts.ts";
import type { Check, OneHost } from "../check.ts";
import { ok, warn } from "../finding.ts";
import { pipeSize } from "./pipe-size.ts";
import { userfaultfd } from "./userfaultfd.ts";

/** Pre-copy needs it of its source. */
export const dirtyTracking: Check<OneHost> = {
  key: "dirty-tracking",
  audiences: ["doctor"],
  run: ({ host }) => {
    if (host.pageScan) return [ok("the kernel tells which memory was written (PAGEMAP_SCAN), which pre-copy needs")];
    if (host.softDirty) return [ok("the kernel marks written memory (soft-dirty), which pre-copy needs")];
    return [
      warn(
        `kernel ${host.kernel} does not track changed memory: pre-copy from here is not possible`,
        "boot Linux 6.7 or later with userfaultfd, or a kernel with CONFIG_MEM_SOFT_DIRTY, if you need pre-copy",
      ),
    ];
  },
};

/** Whether a host can send and take shared memory in rounds: CRIU then leaves it out. */
export const sharesApart = ({ criu }: HostFacts): boolean => (criu?.sharedApart && criu.lazyPages) ?? false;

/** Whether a host can send the memory of a running container in rounds, and take it: the rest is dumped and restored as in post-copy. */
export const followsPages = (host: HostFacts): boolean =>
  [dirtyTracking, userfaultfd, pipeSize].every((check) => check.run({ host, memoryFollows: true })[0]?.level === "ok");
