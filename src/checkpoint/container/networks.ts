import { describe } from "../../host/container/facts.ts";
import { createBody } from "../../host/engine/create/create-body.ts";
import { type Engine, refusesAddress } from "../../host/engine/engine.ts";
import type { ContainerInspect } from "../../host/engine/inspect.ts";
import type { RecoveryRecord } from "../recovery/recovery-record.ts";

/**
 * Takes a frozen container off its networks, so that another one can have its ports, and its addresses in `keptNetworks`. The frozen
 * container loses nothing: its processes stand still, and its connections continue when the interfaces are back.
 */
export async function detach(
  engine: Engine,
  container: ContainerInspect,
  keptNetworks: string[],
  recovery: RecoveryRecord,
): Promise<void> {
  const { body } = createBody(container, {
    runtime: "",
    keepAddress: Object.keys(container.NetworkSettings.Networks ?? {}),
  });
  const publishes = describe(container).ports.length > 0;
  const endpoints = Object.entries(body.NetworkingConfig.EndpointsConfig as Record<string, Record<string, unknown>>);
  const detached = endpoints
    .filter(([network]) => publishes || keptNetworks.includes(network))
    .map(([network, endpoint]) => ({ network, endpoint }));
  recovery.save({ detached });
  for (const { network } of detached) await engine.disconnectNetwork(network, container.Id);
}

/**
 * Connects the container to its networks again, also if it has ended meanwhile. It gets its former addresses where the network allows
 * a choice. Harmless the second time.
 */
export async function attach(engine: Engine, { state }: RecoveryRecord): Promise<void> {
  const { frozen, detached } = state;
  const found = frozen && detached.length > 0 ? await engine.find(frozen) : undefined;
  if (!found) return;
  for (const { network, endpoint } of detached) {
    if (Object.hasOwn(found.NetworkSettings.Networks ?? {}, network)) continue;
    await engine.connectNetwork(network, found.Id, endpoint).catch((error) => {
      if (!refusesAddress(error, network)) throw error;
      const { IPAMConfig: _, ...unaddressed } = endpoint;
      return engine.connectNetwork(network, found.Id, unaddressed);
    });
  }
}
