import type { EngineVolumes, ListedContainer } from "../engine.ts";
import { api } from "./api-path.ts";
import { type DockerClient, ignoreStatus } from "./client.ts";

interface InspectedVolume {
  Mountpoint: string;
  Driver: string;
  Labels?: Record<string, string> | null;
  Options?: Record<string, string> | null;
}

export function dockerVolumes(client: DockerClient): EngineVolumes {
  return {
    async volume(name) {
      const found = await client.find<InspectedVolume>(api`/volumes/${name}`);
      if (!found) return undefined;
      const { Mountpoint, Driver, Labels, Options } = found;
      return { mountpoint: Mountpoint, driver: Driver, labels: Labels ?? {}, options: Options ?? {} };
    },
    volumeUsers(name) {
      const filters = JSON.stringify({ volume: [name] });
      return client.get<ListedContainer[]>(api`/containers/json`, { query: { all: true, filters } });
    },
    async createVolume(name, { labels = {}, options = {} } = {}) {
      await client.post(api`/volumes/create`, { body: { Name: name, Labels: labels, DriverOpts: options } });
    },
    async removeVolume(name) {
      await client.delete(api`/volumes/${name}`).catch(ignoreStatus(404));
    },
  };
}
