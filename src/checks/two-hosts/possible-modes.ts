import type { Check, TwoHosts } from "../check.ts";
import { ok } from "../finding.ts";
import { hasAll, lacksOf, type MigrationMode, orderedModes } from "../modes.ts";

/** Which modes two hosts allow. A mode that is not possible is no fault of a host. */
export const possibleModes: Check<TwoHosts> = {
  key: "modes",
  audiences: ["doctor", "migration"],
  run: ({ one, other }) => {
    if (!one.criu || !other.criu) return [];
    return [ok(orderedModes.map((mode) => sentence(mode, { one, other })).join(", "))];
  },
};

function sentence(mode: MigrationMode, { one, other }: TwoHosts): string {
  if ([one, other].every((host) => hasAll(host, mode))) return `${mode.title} possible`;
  const why = lacksOf(mode, [one, other]).map(({ feature, hosts }) => `no ${feature} on ${hosts.join(" and ")}`);
  return `no ${mode.title} (${why.join("; ")})`;
}
