import { describe, expect, test } from "vitest";
import { type Case, check, mount, on, volume } from "../../../testing/preflight-input.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import { firstFailure } from "../verdict.ts";

describe("what forbids a move", () => {
  const cases: [string, Case, ErrorCode, RegExp, RegExp][] = [
    [
      "network missing",
      { container: on("bridge"), view: { networksMissing: ["lan"] } },
      "preflight-failed",
      /no network named lan/,
      /--create-networks, or: docker network create lan/,
    ],
    [
      "network of a cluster missing",
      {
        container: on("overlay", { scope: "swarm" }),
        view: { networksMissing: ["lan"] },
        choices: { createNetworks: true },
      },
      "preflight-failed",
      /no network named lan/,
      /join the host to the cluster/,
    ],
    [
      "address taken",
      { view: { addressesRefused: [{ network: "lan", address: "10.9.0.7", by: "db" }] } },
      "preflight-failed",
      /10\.9\.0\.7 in lan belongs to db/,
      /docker stop db/,
    ],
    [
      "a setting of the kernel that is not there",
      { view: { sysctlsMissing: ["net.ipv4.vs.conntrack"] } },
      "preflight-failed",
      /no setting net\.ipv4\.vs\.conntrack/,
      /on h2: load the kernel module/,
    ],
    [
      "an AppArmor profile that is not there",
      { view: { appArmorMissing: "shop" } },
      "preflight-failed",
      /AppArmor has no profile 'shop'/,
      /on h2: load it/,
    ],
    [
      "no AppArmor at all",
      { view: { appArmorMissing: "docker-default" } },
      "preflight-failed",
      /AppArmor has no profile 'docker-default'/,
      /on h2: install the package apparmor/,
    ],
    [
      "address outside of the subnet",
      { view: { addressesRefused: [{ network: "lan", address: "10.9.0.7", by: null }] } },
      "preflight-failed",
      /lan has no subnet with the address 10\.9\.0\.7/,
      /--create-networks/,
    ],
    [
      "connections to be kept on Docker's own bridge",
      { choices: { tcp: "keep" } },
      "preflight-failed",
      /a container cannot choose its address in the network bridge/,
      /--tcp close/,
    ],
    [
      "connections to be kept in the host's network",
      { container: { networkMode: "host", networks: ["host"] }, choices: { tcp: "keep" } },
      "preflight-failed",
      /the host's network/,
      /--tcp close/,
    ],
    [
      "bind missing",
      { view: { binds: [{ source: "/srv/x", copied: false, there: false }] } },
      "preflight-failed",
      /\/srv\/x/,
      /--bind copy.* rsync -aR \/srv\/x h2:\//,
    ],
    [
      "a copied bind mount's path there",
      { view: { binds: [{ source: "/data", copied: true, there: true }] } },
      "preflight-failed",
      /overwrite them: \/data/,
      /--bind share .* mv \/data \/data\.old/,
    ],
    [
      "a volume of two containers",
      { container: { volumes: [volume({ users: ["db", "web"] })] } },
      "preflight-failed",
      /other containers use the volume v too \(db, web\)/,
      /--shared-volumes copy/,
    ],
    [
      "a volume that is a tmpfs",
      { container: { volumes: [volume({ options: { type: "tmpfs", device: "tmpfs" } })] } },
      "unsupported-container",
      /volume v is a tmpfs/,
      /--tmpfs/,
    ],
    [
      "volume there",
      { view: { volumesPresent: ["db"] } },
      "preflight-failed",
      /overwrite them: db/,
      /docker volume rm db/,
    ],
    [
      "volume driver",
      { container: { mounts: [mount("volume", { name: "n", driver: "nfs" })] } },
      "unsupported-container",
      /nfs/,
      /local/,
    ],
  ];
  test.each(cases)("%s", (_, change, code, message, remedy) => {
    const error = firstFailure(check(change), "looper cannot move to h2");
    expect(error?.code).toBe(code);
    expect(error?.hint).toMatch(remedy);
    expect(error?.message.replace(/\.$/, "")).toMatch(message);
  });
});

describe("what becomes of attachments", () => {
  const said = (change: Case, key: string) => {
    const found = check(change).filter((verdict) => verdict.check === key);
    expect(found.filter(({ level }) => level === "fail")).toEqual([]);
    return found.map(({ message }) => message).join("; ");
  };
  const cases: [string, Case, string, RegExp][] = [
    ["a bridge", { container: on("bridge") }, "connections", /are closed: the container gets another address there/],
    [
      "a bridge, with a fixed address",
      { container: on("bridge", {}, { IPv4Address: "10.9.0.7" }) },
      "connections",
      /continue, with 10\.9\.0\.7/,
    ],
    ["a bridge, to be kept", { container: on("bridge"), choices: { tcp: "keep" } }, "connections", /continue, with 10/],
    ["macvlan", { container: on("macvlan") }, "connections", /continue, with 10\.9\.0\.7/],
    [
      "macvlan, to be closed",
      { container: on("macvlan"), choices: { tcp: "close" } },
      "connections",
      /are closed: you asked for that/,
    ],
    ["no network", { container: { networkMode: "none", networks: ["none"] } }, "connections", /continue$/],
    [
      "a network that is made",
      { container: on("bridge"), view: { networksMissing: ["lan"] }, choices: { createNetworks: true } },
      "networks",
      /h2: godwit creates these networks: lan/,
    ],
    [
      "a bind mount that is copied",
      { view: { binds: [{ source: "/data", copied: true, there: false }] } },
      "bind-mounts",
      /h2: godwit copies these bind mounts: \/data/,
    ],
  ];
  test.each(cases)("%s", (_, change, key, message) => expect(said(change, key)).toMatch(message));
});
