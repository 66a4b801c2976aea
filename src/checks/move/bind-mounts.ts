import type { DestinationView } from "../../contract/facts.ts";
import type { Check, PlannedMove } from "../check.ts";
import { type Finding, fail, ok, warn } from "../finding.ts";

type Bind = DestinationView["binds"][number];

export const bindMounts: Check<PlannedMove> = {
  key: "bind-mounts",
  audiences: ["migration"],
  run: ({ view: { binds }, destination }) => [
    ...copiedBinds(binds.filter(({ copied }) => copied)),
    ...sharedBinds(
      binds.filter(({ copied }) => !copied),
      destination.name,
    ),
  ],
};

function copiedBinds(copied: Bind[]): Finding[] {
  const present = copied.filter(({ there }) => there);
  const [first] = present;
  if (first) {
    return [
      fail(
        "preflight-failed",
        `these paths of bind mounts exist already, and a copy would overwrite them: ${sourcesOf(present)}`,
        `use --bind share if their content is the same; or move them away: mv ${first.source} ${first.source}.old`,
      ),
    ];
  }
  return copied.length > 0 ? [ok(`godwit copies these bind mounts: ${sourcesOf(copied)}`)] : [];
}

function sharedBinds(shared: Bind[], host: string): Finding[] {
  const missing = shared.filter(({ there }) => !there);
  const [first] = missing;
  if (first) {
    return [
      fail(
        "preflight-failed",
        `these paths of bind mounts do not exist: ${sourcesOf(missing)}`,
        `use --bind copy to copy their content; or copy them there first, for instance with rsync -aR ${first.source} ${host}:/`,
      ),
    ];
  }
  if (shared.length === 0) return [];
  return [
    warn(
      `bind mounts are not copied; the container uses what these paths hold there: ${sourcesOf(shared)}`,
      "make sure that their content is the same there (shared storage, or a copy); or use --bind copy, or a volume",
    ),
  ];
}

const sourcesOf = (binds: Bind[]) => binds.map(({ source }) => source).join(", ");
