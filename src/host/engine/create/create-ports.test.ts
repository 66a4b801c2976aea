import { expect, test } from "vitest";
import { createSource } from "../../../contract/create-source.ts";
import { portsOf } from "./create-ports.ts";

test("ports that Docker chose are requested by number where they are to be kept", () => {
  const PortBindings = {
    "80/tcp": [
      { HostIp: "", HostPort: "8080" },
      { HostIp: "127.0.0.1", HostPort: "" },
    ],
    "81/tcp": [{ HostIp: "", HostPort: "9000-9010" }],
    "82/tcp": [{ HostIp: "", HostPort: "" }],
  };
  const source = createSource.parse({
    ...{ Id: "1", Name: "/web", Config: { Image: "web" }, NetworkSettings: {} },
    HostConfig: { PortBindings },
  });
  const published = (container: string, hostPort: number) =>
    ["0.0.0.0", "::"].map((hostIp) => ({ container, hostIp, hostPort, chosen: true }));
  const keep = [...published("81/tcp", 9003), ...published("82/tcp", 32768), ...published("83/udp", 32769)];
  expect(portsOf(source, { fresh: false, keep })).toEqual({
    "80/tcp": PortBindings["80/tcp"],
    "81/tcp": [{ HostIp: "", HostPort: "9003" }],
    "82/tcp": [{ HostIp: "", HostPort: "32768" }],
    "83/udp": [{ HostIp: "", HostPort: "32769" }],
  });
  expect(portsOf(source, { fresh: false, keep: [] })).toEqual(PortBindings);
});
