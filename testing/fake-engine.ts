import type { Engine, EngineFacts } from "../src/host/engine/engine.ts";
import { FakeContainers } from "./fake-engine/containers.ts";
import { type Faults, withFaults } from "./fake-engine/faults.ts";
import { fakeImages, type ImageStore } from "./fake-engine/images.ts";
import { fakeNetworks, fakeVolumes } from "./fake-engine/networks.ts";

/** What a test does to the fake and sees of it, besides the methods of the engine. */
export interface FakeEngine extends Engine, Faults {
  /** A program ends by itself: the restart policy and --rm take effect. */
  exit(container: string, status: number): void;
  /** Another host's engine takes an image over by sharing an entry of these. */
  readonly store: ImageStore;
}

/**
 * A container engine for tests that keeps everything in memory. It fulfils the contract in src/host/engine/engine.ts; no process
 * runs and nothing is on a disk. A container that is killed starts again where its restart policy allows that: Docker may do so.
 */
export function fakeEngine(facts: Partial<EngineFacts> = {}): FakeEngine {
  const containers = new FakeContainers();
  const store: ImageStore = { images: [], registry: [] };
  const engine: Engine = {
    ...containers.methods(),
    ...fakeVolumes(containers),
    ...fakeNetworks(containers),
    ...fakeImages(store),
    facts: async () => ({ ...usualFacts, ...facts }),
    rootFolder: async () => facts.rootDir ?? usualFacts.rootDir,
  };
  return { ...withFaults(engine), store, exit: (container, status) => containers.end(container, status) };
}

const usualFacts: EngineFacts = {
  ...{ version: "28.5.2", apiVersion: "1.51", storageDriver: "overlay2", containerdStore: false },
  ...{ cgroupVersion: "2", cgroupDriver: "systemd", rootDir: "/var/lib/docker", runtimes: ["runc", "godwit"] },
};
