import type { Check, OneHost } from "../check.ts";
import { fail, ok, warn } from "../finding.ts";

const neededBytes = 8 * 1024 * 1024;

/** Post-copy fails without it. CRIU's page server only asks for more pipes where memory does not follow after the resume. */
export const pipeSize: Check<OneHost> = {
  key: "pipe-size",
  audiences: ["doctor", "either-side"],
  run: ({ host: { pipeMaxSize, capSysResource }, memoryFollows }) => {
    if (capSysResource) return [ok("the agent has CAP_SYS_RESOURCE: the size of pipes has no limit")];
    if (pipeMaxSize >= neededBytes) return [ok(`fs.pipe-max-size is ${pipeMaxSize}`)];
    const message = `fs.pipe-max-size is ${pipeMaxSize}, and CRIU's page server needs ${neededBytes}`;
    const remedy = `sysctl -w fs.pipe-max-size=${neededBytes}`;
    return [memoryFollows ? fail("preflight-failed", message, remedy) : warn(message, remedy)];
  },
};
