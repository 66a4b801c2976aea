import type { NetworkFacts } from "../../src/contract/attachments.ts";
import type { EngineNetworks, EngineVolume, EngineVolumes } from "../../src/host/engine/engine.ts";
import { type FakeContainers, refusal, volumeFolder } from "./containers.ts";

/** A volume is there once it is made, or once a container was made that names it. */
export function fakeVolumes(containers: FakeContainers): EngineVolumes {
  const made = new Map<string, EngineVolume>();
  const plain = (name: string): EngineVolume => ({
    ...{ mountpoint: volumeFolder(name), driver: "local", labels: {}, options: {} },
  });
  return {
    async volume(name) {
      if (!made.has(name) && containers.usersOf(name).length > 0) made.set(name, plain(name));
      return structuredClone(made.get(name));
    },
    volumeUsers: async (name) => containers.usersOf(name),
    async createVolume(name, { labels = {}, options = {} } = {}) {
      if (made.has(name)) return;
      made.set(name, { ...plain(name), labels: { ...labels }, options: { ...options } });
    },
    async removeVolume(name) {
      if (containers.usersOf(name).length > 0) throw refusal(`remove ${name}: volume is in use`);
      made.delete(name);
    },
  };
}

/** Only networks that a user made. Containers get no addresses but those that their endpoint asks for. */
export function fakeNetworks(containers: FakeContainers): EngineNetworks {
  const made = new Map<string, NetworkFacts>();
  const usersOf = (network: string) =>
    containers
      .list()
      .map(({ Id }) => containers.must(Id))
      .filter(({ NetworkSettings }) => Object.hasOwn(NetworkSettings.Networks ?? {}, network));
  const endpointsOf = (container: string) => {
    const settings = containers.must(container).NetworkSettings;
    settings.Networks ??= {};
    return settings.Networks;
  };
  return {
    async findNetwork(name) {
      const facts = made.get(name);
      if (!facts) return undefined;
      const running = usersOf(name).filter(({ State }) => State.Running);
      return { facts: structuredClone(facts), users: running.map(({ Name }) => ({ Name: Name.slice(1) })) };
    },
    async createNetwork(network) {
      if (made.has(network.name)) throw refusal(`network with name ${network.name} already exists`);
      made.set(network.name, structuredClone(network));
    },
    async removeNetwork(name) {
      if (usersOf(name).some(({ State }) => State.Running)) throw refusal(`network ${name} has active endpoints`);
      made.delete(name);
    },
    async connectNetwork(network, container, endpoint) {
      const endpoints = endpointsOf(container);
      if (Object.hasOwn(endpoints, network)) throw refusal(`endpoint already exists in network ${network}`);
      endpoints[network] = { ...endpoint };
    },
    async disconnectNetwork(network, container) {
      if (containers.get(container)) delete endpointsOf(container)[network];
    },
  };
}
