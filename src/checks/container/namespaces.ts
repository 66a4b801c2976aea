import type { SharedNamespace } from "../../contract/facts.ts";
import { type Audience, type Check, type ContainerOnHost, everyDump } from "../check.ts";
import { type Finding, fail, warn } from "../finding.ts";

type Namespace = SharedNamespace["namespace"];

const namespaces: readonly Namespace[] = ["network", "pid", "ipc"];
const titles: Record<Namespace, string> = { network: "network", pid: "process ids", ipc: "shared memory" };

const hostNetwork: Check<ContainerOnHost> = {
  key: "network-mode",
  audiences: ["migration"],
  run: ({ container: { networkMode } }) => {
    if (networkMode !== "host") return [];
    return [
      warn(
        "the container uses the host's network: its addresses and connections stay on this host, and only sockets that listen move",
        "create it with a network of its own to move connections",
      ),
    ];
  },
};

const hostPids: Check<ContainerOnHost> = {
  key: "pid-mode",
  audiences: everyDump,
  run: ({ container: { pidMode } }) => (pidMode === "host" ? [sharesWith("pid", "the host")] : []),
};

const hostIpc: Check<ContainerOnHost> = {
  key: "ipc-mode",
  audiences: everyDump,
  run: ({ container: { ipcMode } }) => (ipcMode === "host" ? [sharesWith("ipc", "the host")] : []),
};

export const namespacesOfHost = [hostNetwork, hostPids, hostIpc];

/** A namespace of another container in which this one runs. */
export const namespacesOfContainers = namespaces.map(
  (namespace): Check<ContainerOnHost> => ({
    key: `${namespace}-mode`,
    audiences: everyDump,
    run: ({ container: { joined } }) =>
      joined.filter((one) => one.namespace === namespace).map(({ name }) => sharesWith(namespace, `container ${name}`)),
  }),
);

/** Whatever ends the container, here or by a move, takes its namespaces from the containers that share them. */
const endings: readonly Audience[] = ["migration", "stop", "rollback"];

export const namespaceSharers = namespaces.map(
  (namespace): Check<ContainerOnHost> => ({
    key: `${namespace}-joined`,
    audiences: endings,
    run: ({ container }) =>
      container.namespaceSharers
        .filter((one) => one.namespace === namespace)
        .map(({ name }) => {
          const what = `${sharing(namespace, `container ${name}`)}, which would lose it`;
          return fail("unsupported-container", what, `stop ${name} first`);
        }),
  }),
);

function sharesWith(namespace: Namespace, other: string): Finding {
  return fail("unsupported-container", sharing(namespace, other), `create it without --${namespace}`);
}

const sharing = (namespace: Namespace, other: string) => `the container shares its ${titles[namespace]} with ${other}`;
