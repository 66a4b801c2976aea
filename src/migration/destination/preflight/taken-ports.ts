import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import type { PublishedPort } from "../../../host/engine/create/create-ports.ts";

/** One after the other: Docker publishes a port for IPv4 and IPv6 alike, and two probes of it would stand in each other's way. */
export async function takenPorts(ports: PublishedPort[]): Promise<{ port: number; protocol: string }[]> {
  const taken = new Map<string, { port: number; protocol: string }>();
  for (const published of ports) {
    const protocol = published.container.split("/")[1] ?? "tcp";
    const { hostPort: port } = published;
    if (port !== 0 && !(await isFree(published, protocol))) taken.set(`${port}/${protocol}`, { port, protocol });
  }
  return [...taken.values()];
}

/** Those that nothing listens on here. */
export async function freePorts(ports: PublishedPort[]): Promise<PublishedPort[]> {
  const taken = await takenPorts(ports);
  return ports.filter(
    ({ container, hostPort }) =>
      !taken.some(({ port, protocol }) => port === hostPort && container.endsWith(`/${protocol}`)),
  );
}

/** An address of the source that this host does not have is another matter than a port in use. */
const isInUse = (error: NodeJS.ErrnoException) => error.code === "EADDRINUSE";

async function isFree({ hostIp, hostPort: port }: PublishedPort, protocol: string): Promise<boolean> {
  const host = hostIp || "0.0.0.0";
  if (protocol !== "tcp" && protocol !== "udp") return true;
  return new Promise((resolve) => {
    const answer = (error: NodeJS.ErrnoException) => resolve(!isInUse(error));
    if (protocol === "tcp") {
      const server = createServer().once("error", answer);
      server.listen({ port, host, ipv6Only: true }, () => server.close(() => resolve(true)));
      return;
    }
    const socket = createSocket(host.includes(":") ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
    socket.once("error", answer);
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
