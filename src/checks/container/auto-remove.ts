import type { Check, ContainerOnHost } from "../check.ts";
import { warn } from "../finding.ts";

export const autoRemove: Check<ContainerOnHost> = {
  key: "auto-remove",
  audiences: ["migration"],
  run: ({ container: { autoRemove } }) => {
    if (!autoRemove) return [];
    return [
      warn(
        "the container was started with --rm: Docker would remove it at the dump, so godwit keeps it until the move has ended",
        "nothing to do: Docker removes it when it ends, as before",
      ),
    ];
  },
};
