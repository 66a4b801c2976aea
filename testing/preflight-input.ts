import { preflight } from "../src/checks/audiences/preflight.ts";
import type { MoveOptions } from "../src/checks/check.ts";
import {
  type AttachmentOptions,
  attachmentOptions,
  type NetworkFacts,
  type VolumeFacts,
} from "../src/contract/attachments.ts";
import type { ContainerFacts, DestinationView, HostFacts, Verdict } from "../src/contract/facts.ts";
import { migrateRequest, type PlainMode } from "../src/contract/migration.ts";
import { container, host, view } from "./host-facts.ts";

/** What preflight's tests change in two equal hosts and a plain container. */
export interface Case {
  source?: Partial<HostFacts>;
  destination?: Partial<HostFacts>;
  container?: Partial<ContainerFacts>;
  view?: Partial<DestinationView>;
  mode?: PlainMode;
  choices?: Partial<AttachmentOptions>;
  options?: Partial<MoveOptions>;
}

export function check(change: Case): Verdict[] {
  return preflight({
    source: host("h1", change.source),
    destination: host("h2", change.destination),
    container: container(change.container),
    view: view(change.view),
    mode: change.mode ?? "precopy",
    choices: attachmentOptions.parse(change.choices ?? {}),
    options: migrateRequest.parse({ destination: "h2", ...change.options }),
  });
}

export const mount = (type: string, extra: Partial<ContainerFacts["mounts"][number]> = {}) => ({
  type,
  source: "/data",
  destination: "/data",
  readOnly: false,
  ...extra,
});

export const volume = (extra: Partial<VolumeFacts>): VolumeFacts => ({
  ...{ name: "v", driver: "local", labels: {}, options: {}, anonymous: false, users: [] },
  ...extra,
});

/** In one network of its user's, `lan`, at 10.9.0.7. */
export function on(
  driver: string,
  extra: Partial<NetworkFacts> = {},
  fixed: object | null = null,
): Partial<ContainerFacts> {
  const ipam = { driver: "default", options: {}, config: [] };
  const switches = { scope: "local", internal: false, attachable: false, ipv6: false };
  const endpoint = { IPAMConfig: fixed, IPAddress: "10.9.0.7" };
  return {
    networkMode: "lan",
    networks: ["lan"],
    networkFacts: [{ name: "lan", driver, ...switches, ipam, options: {}, labels: {}, ...extra }],
    inspect: {
      ...{ Id: "c", Name: "/looper", Config: { Image: "busybox" }, HostConfig: {} },
      NetworkSettings: { Networks: { lan: endpoint } },
    },
  };
}
