import type { Readable } from "node:stream";
import { keptNetworks } from "../../checks/addresses.ts";
import { roomOnDestination } from "../../checks/image-room.ts";
import { GodwitError } from "../../contract/errors.ts";
import { keepInit } from "../../host/container/docker-init.ts";
import { volumeTrees } from "../../host/container/facts.ts";
import { stoppedLayer } from "../../host/container/layers.ts";
import { createBody } from "../../host/engine/create/create-body.ts";
import { hookName } from "../../host/paths.ts";
import { reserveImageSpace } from "../../host/restore/image-space.ts";
import type { IncomingMigration } from "./incoming.ts";
import { freePorts } from "./preflight/taken-ports.ts";
import { makeAttachments } from "./prepare/attachments.ts";

/** Keeps the init of Docker's that the container runs with: another version of it cannot be restored. */
export async function receiveInit(m: IncomingMigration, stream: Readable): Promise<void> {
  m.init = await keepInit(stream);
}

/** Creates the container, its volumes and networks, and the room for its memory. @returns its id */
export async function createContainer(m: IncomingMigration): Promise<string> {
  const { record } = m;
  const { host } = m.deps;
  const { container, imageLayers, choices } = record.request;
  const wanted = { reference: container.image, id: container.imageId, layers: imageLayers };
  const imageRef = await host.engine.findImage(wanted);
  if (!imageRef) throw new GodwitError("docker-failed", `The image ${container.image} did not arrive on ${host.name}.`);
  m.space = await reserveImageSpace(m.migration, roomOnDestination(container, container.shared));
  await makeAttachments(host, record, () => m.save());
  const { body, autoRemove } = createBody(container.inspect, {
    ...{ runtime: hookName, imageRef, anonymousAnew: true, keepAddress: keptNetworks(container, choices.tcp) },
    keepPorts: await freePorts(container.ports.filter(({ chosen }) => chosen)),
  });
  const withRemoval = { ...body, HostConfig: { ...(body.HostConfig as object), AutoRemove: autoRemove } };
  record.creating = true;
  m.save();
  const id = await host.engine.create(container.name, withRemoval);
  record.created = id;
  m.save();
  await findTrees(m, id);
  return id;
}

/** Where the trees of the request are on this host. */
async function findTrees(m: IncomingMigration, id: string): Promise<void> {
  const { engine, name: here } = m.deps.host;
  const container = await engine.inspect(id);
  m.inspect = container;
  const layer = await stoppedLayer(container);
  if (!layer) {
    const message = `The writable layer of the new container on ${here} was not found.`;
    throw new GodwitError("unsupported-container", message);
  }
  const volumes = await volumeTrees(engine, container);
  for (const [index, { kind, name, destination }] of m.record.request.trees.entries()) {
    const own = kind === "volume" ? volumes.find((volume) => volume.destination === destination)?.path : layer;
    const path = kind === "bind" ? name : own;
    if (path) m.trees.set(index, path);
  }
}
