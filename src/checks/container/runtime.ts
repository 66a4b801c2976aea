import { type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { fail } from "../finding.ts";

const knownRuntimes = ["runc", "godwit", "io.containerd.runc.v2"];

export const runtime: Check<ContainerOnHost> = {
  key: "runtime",
  audiences: everyDump,
  run: ({ container: { runtime } }) => {
    if (knownRuntimes.includes(runtime)) return [];
    const what = `the container uses the runtime ${runtime}, not runc`;
    return [fail("unsupported-container", what, "create it with --runtime runc")];
  },
};
