import { bytes } from "../../contract/units.ts";
import { type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const state: Check<ContainerOnHost> = {
  key: "state",
  audiences: everyDump,
  run: ({ container: { name, running, state, processes, memoryBytes } }) => {
    if (running && state === "running") {
      const count = processes === 1 ? "1 process" : `${processes} processes`;
      return [ok(processes === 0 ? `${name} runs` : `${name} runs: ${count}, ${bytes(memoryBytes)} of memory`)];
    }
    const command = state === "paused" ? "unpause" : "start";
    return [fail("container-not-running", `${name} is ${state}, not running`, `docker ${command} ${name}`)];
  },
};
