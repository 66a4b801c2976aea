import { type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { fail, warn } from "../finding.ts";

export const gpus: Check<ContainerOnHost> = {
  key: "gpu",
  audiences: everyDump,
  run: ({ container: { gpus } }) => {
    if (gpus.length === 0) return [];
    const what = `the container uses a GPU (${gpus.join(", ")}), whose memory CRIU cannot save`;
    return [fail("unsupported-container", what, "create it without --gpus")];
  },
};

export const hostDevices: Check<ContainerOnHost> = {
  key: "devices",
  audiences: everyDump,
  run: ({ container: { devices } }) => {
    if (devices.length === 0) return [];
    const what = `the container uses host devices (${devices.join(", ")}), which CRIU cannot migrate`;
    return [fail("unsupported-container", what, "create it without --device")];
  },
};

export const privileged: Check<ContainerOnHost> = {
  key: "privileged",
  audiences: ["migration"],
  run: ({ container: { privileged } }) => {
    if (!privileged) return [];
    return [
      warn(
        "the container is privileged: what it changed in the host's kernel or devices stays on this host",
        "create it without --privileged if single capabilities (--cap-add) are enough",
      ),
    ];
  },
};
