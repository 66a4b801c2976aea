import { type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { fail } from "../finding.ts";

/** What CRIU would refuse under the freeze, or after it. */
export const processObstacles: Check<ContainerOnHost> = {
  key: "processes",
  audiences: everyDump,
  run: ({ container: { obstacles } }) =>
    obstacles.map(({ message, remedy }) => fail("unsupported-container", message, remedy)),
};
