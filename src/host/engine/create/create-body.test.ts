import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBody } from "./create-body.ts";

const id = "0123456789abcdef".repeat(4);

/** As Docker 26 to 28 show a container with much of everything. */
const inspect = {
  Id: id,
  Name: "/web",
  State: { Running: true },
  Config: {
    Hostname: "0123456789ab",
    Domainname: "lan",
    User: "1000:1000",
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    ExposedPorts: { "80/tcp": {} },
    Tty: true,
    OpenStdin: true,
    StdinOnce: false,
    Env: ["A=1", "PATH=/bin"],
    Cmd: ["-c", "true"],
    Healthcheck: { Test: ["CMD", "true"], Interval: 1000000000 },
    Image: "web:1",
    Volumes: { "/anonymous": {} },
    WorkingDir: "/srv",
    Entrypoint: ["/bin/sh"],
    OnBuild: null,
    Labels: { team: "a" },
    StopSignal: "SIGQUIT",
    StopTimeout: 3,
  },
  HostConfig: {
    Binds: ["/etc/web:/etc/web:ro", "data:/data:nocopy"],
    ContainerIDFile: "/tmp/cid",
    LogConfig: { Type: "local", Config: { "max-size": "1m" } },
    NetworkMode: "lan",
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    RestartPolicy: { Name: "always", MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumeDriver: "",
    VolumesFrom: ["other"],
    ConsoleSize: [24, 80],
    CapAdd: ["NET_ADMIN"],
    CapDrop: null,
    Dns: ["10.0.0.1"],
    ExtraHosts: ["x:10.0.0.2"],
    IpcMode: "private",
    ReadonlyRootfs: true,
    SecurityOpt: ["no-new-privileges"],
    Tmpfs: { "/run": "size=1m" },
    UTSMode: "",
    ShmSize: 67108864,
    Runtime: "runc",
    Memory: 0,
    Devices: [],
    DeviceRequests: null,
    Ulimits: [{ Name: "nofile", Hard: 1024, Soft: 512 }],
    Mounts: [
      { Type: "volume", Target: "/unnamed", VolumeOptions: {} },
      { Type: "tmpfs", Target: "/scratch" },
    ],
    Init: true,
  },
  Mounts: [
    { Type: "bind", Source: "/etc/web", Destination: "/etc/web", Mode: "ro", RW: false },
    { Type: "volume", Name: "data", Source: "/v/data", Destination: "/data", Mode: "nocopy", RW: true },
    { Type: "volume", Name: "a1", Source: "/v/a1", Destination: "/anonymous", Mode: "", RW: true },
    { Type: "volume", Name: "u1", Source: "/v/u1", Destination: "/unnamed", Mode: "z", RW: true },
    { Type: "volume", Name: "o1", Source: "/v/o1", Destination: "/from-other", Mode: "", RW: false },
    { Type: "tmpfs", Source: "", Destination: "/scratch", Mode: "", RW: true },
  ],
  NetworkSettings: {
    Networks: {
      lan: {
        IPAMConfig: { IPv4Address: "10.9.0.7" },
        Links: null,
        Aliases: ["web-alias", "0123456789ab"],
        DriverOpts: null,
        NetworkID: "fedcba9876543210",
        EndpointID: "e1",
        Gateway: "10.9.0.1",
        IPAddress: "10.9.0.7",
        MacAddress: "02:42:0a:09:00:07",
        DNSNames: ["web", "0123456789ab"],
      },
      bridge: { IPAMConfig: null, Aliases: null, IPAddress: "172.17.0.2", MacAddress: "02:42:ac:11:00:02" },
    },
  },
};

const change = (host: Record<string, unknown>, config: Record<string, unknown> = {}) => ({
  ...inspect,
  Config: { ...inspect.Config, ...config },
  HostConfig: { ...inspect.HostConfig, ...host },
});

describe("the same container again", () => {
  const { name, body, restartPolicy, autoRemove } = createBody(inspect, { runtime: "godwit" });

  test("keeps everything that the user configured", () => {
    expect(name).toBe("web");
    expect(body).toMatchObject(inspect.Config);
    const { Binds, Mounts, VolumesFrom, Runtime, RestartPolicy, ContainerIDFile, ConsoleSize, ...kept } =
      inspect.HostConfig;
    expect(body.HostConfig).toMatchObject(kept);
    expect(body.HostConfig).not.toHaveProperty("ContainerIDFile");
    expect(body.HostConfig).not.toHaveProperty("ConsoleSize");
  });

  test("runs under the hook, and holds back the restart policy and --rm", () => {
    expect(body.HostConfig).toMatchObject({ Runtime: "godwit", RestartPolicy: { Name: "no" }, AutoRemove: false });
    expect(restartPolicy).toEqual({ Name: "always", MaximumRetryCount: 0 });
    expect(autoRemove).toBe(false);
    expect(createBody(change({ AutoRemove: true, RestartPolicy: null }), { runtime: "r" })).toMatchObject({
      autoRemove: true,
      restartPolicy: { Name: "no", MaximumRetryCount: 0 },
      body: { HostConfig: { AutoRemove: false } },
    });
  });

  test("binds anonymous volumes and those of --volumes-from by name, each once", () => {
    expect(body.HostConfig).toMatchObject({
      Binds: ["/etc/web:/etc/web:ro", "data:/data:nocopy", "a1:/anonymous", "o1:/from-other:ro"],
      Mounts: [
        { Type: "volume", Source: "u1", Target: "/unnamed" },
        { Type: "tmpfs", Target: "/scratch" },
      ],
      VolumesFrom: null,
    });
  });

  test("asks for configured addresses and aliases only, without what Docker adds by itself", () => {
    expect(body.NetworkingConfig.EndpointsConfig).toEqual({
      lan: { Aliases: ["web-alias"], IPAMConfig: { IPv4Address: "10.9.0.7" } },
      bridge: {},
    });
  });
});

test("anonymousAnew makes new anonymous volumes; those of --volumes-from are bound by name", () => {
  const { body } = createBody(inspect, { runtime: "godwit", anonymousAnew: true });
  expect(body).toMatchObject({ Volumes: { "/anonymous": {} } });
  expect(body.HostConfig).toMatchObject({
    Binds: ["/etc/web:/etc/web:ro", "data:/data:nocopy", "o1:/from-other:ro"],
    Mounts: [{ Type: "volume", Target: "/unnamed" }, { Type: "tmpfs" }],
  });
  expect(body.HostConfig.Mounts).not.toMatchObject([{ Source: "u1" }, {}]);
});

test("keepAddress requests the present addresses; the default bridge takes no IP", () => {
  const { body } = createBody(inspect, { runtime: "godwit", keepAddress: ["lan", "bridge"] });
  expect(body.NetworkingConfig.EndpointsConfig).toEqual({
    lan: { Aliases: ["web-alias"], IPAMConfig: { IPv4Address: "10.9.0.7" }, MacAddress: "02:42:0a:09:00:07" },
    bridge: { MacAddress: "02:42:ac:11:00:02" },
  });
});

test("a configured MAC address goes to the endpoint of the main network", () => {
  const { body } = createBody(change({}, { MacAddress: "02:00:00:00:00:01" }), { runtime: "godwit" });
  expect(body).not.toHaveProperty("MacAddress");
  expect(body.NetworkingConfig.EndpointsConfig).toEqual({
    lan: { Aliases: ["web-alias"], IPAMConfig: { IPv4Address: "10.9.0.7" }, MacAddress: "02:00:00:00:00:01" },
    bridge: {},
  });
});

test("a clone shares no port, address or volume, and keeps the host name", () => {
  const { name, body } = createBody(inspect, {
    name: "web-2",
    runtime: "godwit",
    imageRef: "sha256:abc",
    fresh: true,
    keepAddress: ["lan"],
    volumeRenames: { data: "data-2", a1: "a2", u1: "u2", o1: "o2" },
  });
  expect(name).toBe("web-2");
  expect(body).toMatchObject({ Image: "sha256:abc", Hostname: "0123456789ab" });
  expect(body.HostConfig).toMatchObject({
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "" }] },
    Binds: ["/etc/web:/etc/web:ro", "data-2:/data:nocopy", "a2:/anonymous", "o2:/from-other:ro"],
    Mounts: [{ Source: "u2" }, {}],
  });
  expect(body.NetworkingConfig.EndpointsConfig).toEqual({ lan: {}, bridge: {} });
});

test("an entrypoint that the user cleared stays empty: null would mean that of the image", () => {
  expect(createBody(change({}, { Entrypoint: null }), { runtime: "r" }).body.Entrypoint).toEqual([""]);
});

test.each([
  ["default", "bridge"],
  ["", "bridge"],
  ["fedcba98", "lan"],
  ["lan", "lan"],
])("network mode '%s' becomes '%s'", (mode, expected) => {
  expect(createBody(change({ NetworkMode: mode }), { runtime: "r" }).body.HostConfig.NetworkMode).toBe(expected);
});

test("host name and ports are left out where Docker refuses them in a shared namespace", () => {
  const joined = createBody(change({ NetworkMode: "container:x" }), { runtime: "r" }).body;
  expect(joined).not.toHaveProperty("Hostname");
  expect(joined).not.toHaveProperty("ExposedPorts");
  expect(joined.NetworkingConfig.EndpointsConfig).toEqual({});
  expect(createBody(change({ UTSMode: "host" }), { runtime: "r" }).body).not.toHaveProperty("Hostname");
  expect(createBody(change({ NetworkMode: "host" }), { runtime: "r" }).body.Hostname).toBe("0123456789ab");
});

test("null and absent fields are accepted", () => {
  const bare = { Id: id, Name: "/b", Config: { Image: "i" }, HostConfig: {}, NetworkSettings: {} };
  expect(createBody(bare, { runtime: "r" }).body).toMatchObject({
    Image: "i",
    HostConfig: { Binds: [], Mounts: [], PortBindings: {}, NetworkMode: "bridge" },
    NetworkingConfig: { EndpointsConfig: {} },
  });
  expect(() => createBody({}, { runtime: "r" })).toThrow();
});

test("a second creation from the created container changes nothing", () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
  const arbitrary = fc.record({
    binds: fc.uniqueArray(names).map((all) => all.map((volume) => `${volume}:/mnt/${volume}:ro`)),
    ports: fc.dictionary(names, fc.constant([{ HostIp: "", HostPort: "1" }])),
  });
  fc.assert(
    fc.property(arbitrary, ({ binds, ports }) => {
      const first = createBody(change({ Binds: binds, PortBindings: ports }), { runtime: "godwit" }).body;
      const { HostConfig, NetworkingConfig: _, ...Config } = first;
      const second = createBody({ ...inspect, Config, HostConfig }, { runtime: "godwit" }).body;
      expect(second).toEqual(first);
    }),
  );
});
