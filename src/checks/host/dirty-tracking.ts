import type { Check, OneHost } from "../check.ts";
import { ok, warn } from "../finding.ts";

export const dirtyTracking: Check<OneHost> = {
  key: "dirty-tracking",
  audiences: ["doctor"],
  run: ({ host: { criu, kernel } }) => {
    if (!criu) return [];
    if (criu.dirtyTracking) return [ok("the kernel tracks changed memory, which pre-copy needs")];
    return [
      warn(
        `kernel ${kernel} does not track changed memory: pre-copy is not possible`,
        "boot a kernel with CONFIG_MEM_SOFT_DIRTY, such as Debian's linux-image-amd64, if you need pre-copy",
      ),
    ];
  },
};
