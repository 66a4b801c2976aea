import { type Version, versionAtLeast, versionOf } from "../../contract/units.ts";
import type { Check, OneHost } from "../check.ts";
import { fail, ok, warn } from "../finding.ts";

const recommended: Version = [4, 2];
/** From this kernel on, an older CRIU cannot read the options of a TCP socket. */
const kernelWithNewSockets: Version = [6, 16];

const newer = "install CRIU 4.2 or newer (Debian forky has it: apt-get install -t forky criu)";

export const criu: Check<OneHost> = {
  key: "criu",
  audiences: ["doctor", "either-side"],
  run: ({ host: { criu, kernel } }) => {
    if (!criu) return [fail("criu-missing", "CRIU is not installed", "apt-get install criu")];
    if (criu.problem) {
      const why = criu.problem.replace(/\.$/, "");
      return [fail("criu-missing", `CRIU ${criu.version} does not work on kernel ${kernel}: ${why}`, newer)];
    }
    if (versionAtLeast(versionOf(criu.version), recommended))
      return [ok(`CRIU ${criu.version} works on kernel ${kernel}`)];
    const fault = versionAtLeast(versionOf(kernel), kernelWithNewSockets)
      ? `cannot save TCP sockets on kernel ${kernel}`
      : "is older than the recommended 4.2";
    return [warn(`CRIU ${criu.version} ${fault}`, newer)];
  },
};
