import type { Check, OneHost } from "../check.ts";
import { fail, ok } from "../finding.ts";

/** Debian packages whose name is not the tool's. */
const packageOf: Record<string, string> = {
  ip: "iproute2",
  nft: "nftables",
  ps: "procps",
  mount: "mount",
  umount: "mount",
  nsenter: "util-linux",
};

export const tools: Check<OneHost> = {
  key: "tools",
  audiences: ["doctor", "either-side"],
  run: ({ host: { missingTools } }) => {
    if (missingTools.length === 0) return [ok("all system tools are installed")];
    const packages = [...new Set(missingTools.map((tool) => packageOf[tool] ?? tool))];
    const what = `system tools are missing: ${missingTools.join(", ")}`;
    return [fail("preflight-failed", what, `apt-get install ${packages.join(" ")}`)];
  },
};
