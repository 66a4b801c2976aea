import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { DestinationView } from "../../contract/facts.ts";
import type { MigrationOffer } from "../../contract/migration.ts";
import { findImage } from "../../host/docker/find-image.ts";
import type { Host } from "../../host/host.ts";

/** What this host says about a container that may come; nothing is changed. */
export async function viewOf(host: Host, { container, imageLayers }: MigrationOffer): Promise<DestinationView> {
  const [taken, image, networks, volumes, ports] = await Promise.all([
    host.docker.find(container.name),
    findImage(host.docker, { reference: container.image, id: container.imageId, layers: imageLayers }),
    host.docker.networks(),
    Promise.all(
      volumeNames(container.mounts).map(async (name) => ((await host.docker.volume(name)) ? name : undefined)),
    ),
    Promise.all(container.ports.map(async (port) => ((await isFree(port)) ? undefined : port.hostPort))),
  ]);
  return {
    nameTaken: taken !== undefined,
    imagePresent: image !== undefined,
    portsTaken: [...new Set(ports.filter((port) => port !== undefined))],
    networksMissing: container.networks.filter((network) => !networks.includes(network)),
    bindsMissing: container.mounts
      .filter(({ type, source }) => type === "bind" && !existsSync(source))
      .map(({ source }) => source),
    volumesPresent: volumes.filter((name) => name !== undefined),
  };
}

function volumeNames(mounts: { type: string; name?: string | undefined }[]): string[] {
  return mounts.flatMap(({ type, name }) => (type === "volume" && name ? [name] : []));
}

async function isFree({
  container,
  hostIp,
  hostPort,
}: {
  container: string;
  hostIp: string;
  hostPort: number;
}): Promise<boolean> {
  if (hostPort === 0 || !container.endsWith("/tcp")) return true;
  return new Promise((resolve) => {
    const server = createServer();
    // An address of the source that this host does not have is another matter than a port in use.
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "EADDRINUSE"));
    // Docker publishes on 0.0.0.0 and on :: alike; the probes of the two must not find each other.
    const address = { port: hostPort, host: hostIp || "0.0.0.0", ipv6Only: true };
    server.listen(address, () => server.close(() => resolve(true)));
  });
}
