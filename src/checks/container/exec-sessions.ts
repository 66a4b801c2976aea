import type { Check, ContainerOnHost } from "../check.ts";
import { warn } from "../finding.ts";

export const execSessions: Check<ContainerOnHost> = {
  key: "exec",
  audiences: ["migration"],
  run: ({ container: { execSessions: programs } }) => {
    if (programs.length === 0) return [];
    const count = programs.length === 1 ? "1 session" : `${programs.length} sessions`;
    const names = [...new Set(programs)].join(", ");
    return [
      warn(
        `the move ends ${count} of 'docker exec' (${names})`,
        "leave them before the move, and enter again after it",
      ),
    ];
  },
};
