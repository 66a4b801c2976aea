import { type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { fail } from "../finding.ts";

/** So many processes are named. */
const maxNamed = 3;

/** CRIU reads the limits of every process. On some hosts it may not read those of another user's process. */
export const processesOfOtherUsers: Check<ContainerOnHost> = {
  key: "user",
  audiences: everyDump,
  run: ({ container: { otherUsers }, host: { criu, name } }) => {
    const [first, ...others] = otherUsers;
    if (!first || !criu || criu.otherUsers) return [];
    const named = others.slice(0, maxNamed - 1).map(({ command, pid, as }) => `${command} (pid ${pid}) as ${as}`);
    const more = others.length - named.length;
    const rest = [...named, ...(more > 0 ? [`${more} more`] : [])].map((each) => `, ${each}`).join("");
    return [
      fail(
        "unsupported-container",
        `${first.command} (pid ${first.pid}) runs as ${first.as}${rest}, and CRIU cannot read the limits of other users' processes on ${name}, where CAP_SYS_RESOURCE is missing`,
        `run Docker and the agent of ${name} with CAP_SYS_RESOURCE`,
      ),
    ];
  },
};
