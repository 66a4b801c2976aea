import { type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { fail } from "../finding.ts";

export const volumeDrivers: Check<ContainerOnHost> = {
  key: "volume-driver",
  audiences: everyDump,
  run: ({ container: { mounts } }) =>
    mounts
      .filter(({ type, driver }) => type === "volume" && (driver ?? "local") !== "local")
      .map(({ name, destination, driver }) => {
        const what = `the driver ${driver} keeps the volume ${name ?? destination}, and godwit cannot read it there`;
        return fail("unsupported-container", what, "use a volume of the driver local");
      }),
};

const knownTypes = ["volume", "bind", "tmpfs"];

export const mounts: Check<ContainerOnHost> = {
  key: "mounts",
  audiences: everyDump,
  run: ({ container: { mounts } }) =>
    mounts
      .filter(({ type }) => !knownTypes.includes(type))
      .map(({ type, destination }) => {
        const what = `the container has a mount of the type ${type} at ${destination}, which godwit cannot migrate`;
        return fail("unsupported-container", what, "use a volume or a bind mount");
      }),
};
