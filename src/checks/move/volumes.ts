import type { Check, PlannedMove } from "../check.ts";
import { fail, ok, warn } from "../finding.ts";

export const volumes: Check<PlannedMove> = {
  key: "volumes",
  audiences: ["migration"],
  run: ({ container, view: { volumesPresent: present } }) => {
    if (present.length > 0) {
      const what = `these volumes exist already, and a copy would overwrite them: ${present.join(", ")}`;
      const remedy = `docker volume rm ${present.join(" ")} if nothing in them is needed`;
      return [fail("preflight-failed", what, remedy)];
    }
    const mounting = new Set(container.volumes.filter(({ options }) => options.device).map(({ name }) => name));
    const copied = container.mounts
      .filter(({ type, name }) => type === "volume" && !mounting.has(name ?? ""))
      .map((mount) => mount.name ?? mount.destination);
    return copied.length > 0 ? [ok(`godwit copies these volumes: ${copied.join(", ")}`)] : [];
  },
};

export const sharedVolumes: Check<PlannedMove> = {
  key: "shared-volumes",
  audiences: ["migration"],
  run: ({ container: { volumes }, choices }) =>
    volumes
      .filter(({ users, options }) => users.length > 0 && !options.device)
      .map(({ name, users }) => {
        const used = `other containers use the volume ${name} too (${users.join(", ")})`;
        if (choices.sharedVolumes === "refuse")
          return fail(
            "preflight-failed",
            used,
            "use --shared-volumes copy to move a copy; from then on the two volumes differ",
          );
        return warn(
          `${used}: a copy moves, and from then on the two volumes differ`,
          "move the containers that share it one after the other, while nothing writes",
        );
      }),
};

/** A volume that mounts something, instead of being a folder of Docker's own. */
export const mountedVolumes: Check<PlannedMove> = {
  key: "mounted-volumes",
  audiences: ["migration"],
  run: ({ container: { volumes } }) =>
    volumes
      .filter(({ options }) => options.device)
      .map(({ name, options }) => {
        if (options.type === "tmpfs") {
          const what = `the volume ${name} is a tmpfs, which Docker empties when it is not in use`;
          return fail("unsupported-container", what, "use --tmpfs, which moves with the memory");
        }
        return warn(
          `the volume ${name} mounts ${options.device}: godwit creates it with the same options, and does not copy its content`,
          "make sure that the same can be mounted there (shared storage)",
        );
      }),
};
