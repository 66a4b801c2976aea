import type { Check, OneHost } from "../check.ts";
import { ok, warn } from "../finding.ts";

export const userfaultfd: Check<OneHost> = {
  key: "userfaultfd",
  audiences: ["doctor", "destination"],
  run: ({ host: { criu } }) => {
    if (!criu) return [];
    if (criu.lazyPages) return [ok("userfaultfd works: memory can follow after the resume")];
    return [
      warn(
        "userfaultfd does not work, or may lose pages (before Linux 5.15): all memory is read before the resume, and the downtime grows with it",
        "boot Linux 5.15 or later with CONFIG_USERFAULTFD, or: modprobe userfaultfd",
      ),
    ];
  },
};
