import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { DestinationView } from "../../contract/facts.ts";
import type { MigrationOffer } from "../../contract/migration.ts";
import { containerName } from "../../host/container/facts.ts";
import { findImage } from "../../host/docker/find-image.ts";
import type { Host } from "../../host/host.ts";

/** What this host says about a container that may come; nothing is changed. */
export async function viewOf(host: Host, { container, imageLayers }: MigrationOffer): Promise<DestinationView> {
  const [taken, image, networks, volumes, portsTaken] = await Promise.all([
    host.docker.find(container.name),
    findImage(host.docker, { reference: container.image, id: container.imageId, layers: imageLayers }),
    host.docker.networks(),
    Promise.all(
      volumeNames(container.mounts).map(async (name) => ((await host.docker.volume(name)) ? name : undefined)),
    ),
    takenOf(container.ports),
  ]);
  return {
    // Ids are found by their beginning, which is no name.
    nameTaken: taken !== undefined && containerName(taken) === container.name,
    imagePresent: image !== undefined,
    portsTaken,
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

type PublishedPort = MigrationOffer["container"]["ports"][number];

/** One after the other: Docker publishes a port for IPv4 and IPv6 alike, and two probes of it would stand in each other's way. */
async function takenOf(ports: PublishedPort[]): Promise<number[]> {
  const taken = new Set<number>();
  for (const port of ports) if (!(await isFree(port))) taken.add(port.hostPort);
  return [...taken];
}

async function isFree({ container, hostIp, hostPort }: PublishedPort): Promise<boolean> {
  if (hostPort === 0 || !container.endsWith("/tcp")) return true;
  return new Promise((resolve) => {
    const server = createServer();
    // An address of the source that this host does not have is another matter than a port in use.
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "EADDRINUSE"));
    server.listen({ port: hostPort, host: hostIp || "0.0.0.0", ipv6Only: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}
