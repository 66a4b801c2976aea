import type { Check, ContainerOnHost } from "../check.ts";
import { ok } from "../finding.ts";

/** Says that none of these checks found anything. */
export const features = (others: readonly Check<ContainerOnHost>[]): Check<ContainerOnHost> => ({
  key: "features",
  audiences: ["migration"],
  run: (subject) =>
    others.some(({ run }) => run(subject).length > 0)
      ? []
      : [ok("godwit can migrate everything that the container uses")],
});
