import type { Check, OneHost } from "../check.ts";
import { fail, ok } from "../finding.ts";

export const storageDriver: Check<OneHost> = {
  key: "storage-driver",
  audiences: ["doctor", "either-side"],
  run: ({ host: { docker } }) => {
    if (!docker) return [];
    const { storageDriver, containerdStore } = docker;
    const known = containerdStore ? storageDriver === "overlayfs" : storageDriver === "overlay2";
    if (known) {
      const store = containerdStore ? " (containerd image store)" : "";
      return [ok(`Docker uses the storage driver ${storageDriver}${store}`)];
    }
    return [
      fail(
        "preflight-failed",
        `godwit cannot copy the layers of the storage driver ${storageDriver}`,
        `set "storage-driver": "overlay2" in /etc/docker/daemon.json and restart Docker (it then no longer shows its present containers and images)`,
      ),
    ];
  },
};
