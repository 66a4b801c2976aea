import type { Check, ContainerOnHost } from "../check.ts";
import { warn } from "../finding.ts";

/** Log drivers whose files godwit copies; `none` and an unknown one have no history to copy. */
const copied = ["json-file", "local", "none", ""];

export const logDriver: Check<ContainerOnHost> = {
  key: "log-driver",
  audiences: ["migration"],
  run: ({ container: { logDriver } }) => {
    if (copied.includes(logDriver)) return [];
    return [
      warn(
        `the container logs to ${logDriver}: godwit does not copy the history of its log`,
        "use --log-driver json-file or local to keep the history with the container",
      ),
    ];
  },
};
