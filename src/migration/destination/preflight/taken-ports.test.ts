import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takenPorts } from "./taken-ports.ts";

const tcp = createServer();
const udp = createSocket("udp4");
let ports: { tcp: number; udp: number };
beforeAll(async () => {
  tcp.listen(0, "0.0.0.0");
  udp.bind(0, "0.0.0.0");
  await Promise.all([once(tcp, "listening"), once(udp, "listening")]);
  ports = { tcp: (tcp.address() as AddressInfo).port, udp: udp.address().port };
});
afterAll(() => {
  tcp.close();
  udp.close();
});

const published = (protocol: string, hostPort: number, hostIp = "0.0.0.0") => [
  { container: `80/${protocol}`, hostIp, hostPort, chosen: false },
  { container: `80/${protocol}`, hostIp: "::", hostPort, chosen: false },
];

test.each(["tcp", "udp"] as const)("a port in use is told once, for %s", async (protocol) => {
  const port = ports[protocol];
  expect(await takenPorts(published(protocol, port))).toEqual([{ port, protocol }]);
  expect(await takenPorts(published(protocol, port, ""))).toEqual([{ port, protocol }]);
});

test.each(["tcp", "udp"] as const)("a free one is not, for %s, nor one that Docker chooses", async (protocol) => {
  const other = ports[protocol === "tcp" ? "udp" : "tcp"];
  expect(await takenPorts(published(protocol, other))).toEqual([]);
  expect(await takenPorts(published(protocol, 0))).toEqual([]);
});

test("an address that this host does not have is another matter", async () => {
  expect(await takenPorts([{ container: "80/udp", hostIp: "192.0.2.1", hostPort: ports.udp, chosen: false }])).toEqual(
    [],
  );
});
