import type { Check, PlannedMove } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const name: Check<PlannedMove> = {
  key: "name",
  audiences: ["migration"],
  run: ({ container: { name }, view }) => {
    if (!view.nameTaken) return [ok(`the name ${name} is free`)];
    return [fail("name-taken", `a container named ${name} exists already`, `docker rename ${name} ${name}-old`)];
  },
};
