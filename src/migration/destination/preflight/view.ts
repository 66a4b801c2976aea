import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { ContainerFacts, DestinationView } from "../../../contract/facts.ts";
import type { ReserveRequest } from "../../../contract/peer/messages.ts";
import { missingProfile } from "../../../host/container/app-armor.ts";
import { containerName } from "../../../host/container/facts.ts";
import type { Host } from "../../../host/host.ts";
import { sysctlPath } from "../../../host/restore/network-settings.ts";
import { networkView } from "./network-view.ts";
import { takenPorts } from "./taken-ports.ts";

/** What this host says about a container that may come; nothing is changed. */
export async function viewOf(
  host: Host,
  { container, imageLayers, trees, choices }: ReserveRequest,
): Promise<DestinationView> {
  const [taken, image, networks, volumes, portsTaken, appArmorMissing] = await Promise.all([
    host.engine.find(container.name),
    host.engine.findImage({ reference: container.image, id: container.imageId, layers: imageLayers }),
    networkView(host.engine, container, choices.tcp),
    Promise.all(
      container.volumes
        .filter(({ anonymous }) => !anonymous)
        .map(async ({ name }) => ((await host.engine.volume(name)) ? name : undefined)),
    ),
    takenPorts(container.ports),
    missingProfile(container.inspect),
  ]);
  const copied = new Set(trees.filter(({ kind }) => kind === "bind").map(({ name }) => name));
  return {
    // Ids are found by their beginning, which is no name.
    nameTaken: taken !== undefined && containerName(taken) === container.name,
    imagePresent: image !== undefined,
    portsTaken,
    sysctlsMissing: sysctlsOf(container.inspect).filter((name) => !existsSync(join("/proc/sys", sysctlPath(name)))),
    appArmorMissing,
    ...networks,
    binds: container.mounts
      .filter(({ type }) => type === "bind")
      .map(({ source }) => ({ source, copied: copied.has(source), there: existsSync(source) })),
    volumesPresent: volumes.filter((name) => name !== undefined),
  };
}

const withSysctls = z.object({ HostConfig: z.object({ Sysctls: z.record(z.string(), z.string()) }) });

function sysctlsOf(inspect: ContainerFacts["inspect"]): string[] {
  return Object.keys(withSysctls.safeParse(inspect).data?.HostConfig.Sysctls ?? {});
}
