import type { Check, PlannedMove } from "../check.ts";
import { fail } from "../finding.ts";

export const sameHost: Check<PlannedMove> = {
  key: "hosts",
  audiences: ["migration"],
  run: ({ source, destination }) => {
    if (source.name !== destination.name) return [];
    const what = `the container is on ${source.name} already`;
    return [fail("usage", what, "name another host, or make a second container with 'godwit clone'")];
  },
};
