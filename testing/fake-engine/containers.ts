import { GodwitError } from "../../src/contract/errors.ts";
import type { CreateBody } from "../../src/host/engine/create/create-body.ts";
import type { EngineContainers, ListedContainer, RestartPolicy } from "../../src/host/engine/engine.ts";
import { type ContainerInspect, containerInspect } from "../../src/host/engine/inspect.ts";

const killed = 137;

/** What Docker would refuse. */
export const refusal = (message: string) => new GodwitError("docker-failed", `Docker says: ${message}.`);

/** The containers of a fake engine. */
export class FakeContainers {
  readonly #all = new Map<string, ContainerInspect>();
  readonly #waiting = new Map<string, ((status: number | null) => void)[]>();
  #made = 0;

  /** By name, id, or the beginning of an id. */
  get(container: string): ContainerInspect | undefined {
    const all = [...this.#all.values()];
    return (
      this.#all.get(container) ??
      all.find(({ Name }) => Name === `/${container}`) ??
      all.find(({ Id }) => container !== "" && Id.startsWith(container))
    );
  }

  must(container: string): ContainerInspect {
    const found = this.get(container);
    if (found) return found;
    throw refusal(`No such container: ${container}`);
  }

  list(): ListedContainer[] {
    return [...this.#all.values()].map(({ Id, Name, Config, State }) => ({
      ...{ Id, Names: [Name], Image: Config.Image, State: State.Status, Status: State.Running ? "Up" : "Not running" },
    }));
  }

  /** All that use the volume. */
  usersOf(volume: string): ListedContainer[] {
    return this.list().filter(({ Id }) => this.must(Id).Mounts?.some(({ Name }) => Name === volume));
  }

  create(name: string, body: CreateBody): string {
    if (this.get(name)?.Name === `/${name}`)
      throw new GodwitError("name-taken", `A container named '${name}' exists already on this host.`);
    this.#made += 1;
    const { HostConfig, NetworkingConfig, ...config } = structuredClone(body);
    const id = String(this.#made).padStart(12, "0").padEnd(64, "0");
    const made = {
      ...{ Id: id, Name: `/${name}`, Created: new Date().toISOString(), Image: body.Image, RestartCount: 0 },
      State: {
        Status: "created",
        Running: false,
        Paused: false,
        Pid: 0,
        ExitCode: 0,
        StartedAt: "0001-01-01T00:00:00Z",
      },
      ...{ Config: config, HostConfig, Mounts: mountsOf(HostConfig) },
      NetworkSettings: { Networks: NetworkingConfig.EndpointsConfig },
    };
    this.#all.set(id, containerInspect.parse(made));
    return id;
  }

  start(container: string): void {
    const { State } = this.must(container);
    if (State.Running) return;
    const StartedAt = new Date().toISOString();
    Object.assign(State, { Status: "running", Running: true, Pid: 1000 + this.#made, ExitCode: 0, StartedAt });
  }

  /** Harmless where it does not run. */
  end(container: string, status: number): void {
    const found = this.must(container);
    if (!found.State.Running) return;
    Object.assign(found.State, { Status: "exited", Running: false, Pid: 0, ExitCode: status });
    this.#tell(found.Id, status);
    if (found.HostConfig.AutoRemove) this.#all.delete(found.Id);
    else if (startsAgain(found)) {
      found.RestartCount = (found.RestartCount ?? 0) + 1;
      this.start(found.Id);
    }
  }

  remove(container: string, force: boolean): void {
    const found = this.get(container);
    if (!found) return;
    if (found.State.Running && !force) throw refusal(`cannot remove container "${found.Name}": container is running`);
    this.#all.delete(found.Id);
    this.#tell(found.Id, found.State.Running ? killed : null);
  }

  async wait(container: string, next: boolean, signal: AbortSignal | undefined): Promise<number | null> {
    const found = this.get(container);
    if (!found) return null;
    if (!next && !found.State.Running) return found.State.ExitCode;
    return new Promise((resolve, reject) => {
      const cancel = () => reject(new GodwitError("cancelled", "The request to Docker was cancelled."));
      if (signal?.aborted) cancel();
      signal?.addEventListener("abort", cancel);
      this.#waiting.set(found.Id, [...(this.#waiting.get(found.Id) ?? []), resolve]);
    });
  }

  #tell(id: string, status: number | null): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(status);
    this.#waiting.delete(id);
  }

  methods(): EngineContainers {
    return {
      containers: async () => this.list(),
      find: async (container) => structuredClone(this.get(container)),
      inspect: async (container) => {
        const found = this.get(container);
        if (found) return structuredClone(found);
        throw new GodwitError("no-such-container", `There is no container '${container}' on this host.`);
      },
      create: async (name, body) => this.create(name, body),
      start: async (container) => this.start(container),
      killAndWait: async (container) => {
        if (this.get(container)) this.end(container, killed);
      },
      waitForExit: (container, { next = false, signal } = {}) => this.wait(container, next, signal),
      remove: async (container, { force = false } = {}) => this.remove(container, force),
      beginRemoval: (container) => {
        const done = Promise.resolve().then(() => this.remove(container, true));
        return { begun: done.catch(() => {}), done };
      },
      rename: async (container, name) => {
        const found = this.must(container);
        const holder = this.get(name);
        if (holder?.Name === `/${name}`) throw refusal(`Conflict. The container name "/${name}" is already in use`);
        found.Name = `/${name}`;
      },
      setRestartPolicy: async (container, policy) => {
        this.must(container).HostConfig.RestartPolicy = { ...policy };
      },
      execSessions: async () => [],
      removeCheckpoint: async (container, name) => {
        throw refusal(`checkpoint ${name} does not exist for container ${this.must(container).Id}`);
      },
    };
  }
}

function startsAgain({ HostConfig, State }: ContainerInspect): boolean {
  const { Name }: RestartPolicy = HostConfig.RestartPolicy ?? {};
  return Name === "always" || Name === "unless-stopped" || (Name === "on-failure" && State.ExitCode !== 0);
}

/** Of `Binds`, each `SOURCE:DESTINATION[:MODE]`; a source without a slash is a volume. */
function mountsOf({ Binds }: { Binds?: string[] }): object[] {
  return (Binds ?? []).map((bind) => {
    const [source = "", Destination] = bind.split(":");
    if (source.startsWith("/")) return { Type: "bind", Source: source, Destination, RW: true };
    return { Type: "volume", Name: source, Source: volumeFolder(source), Destination, Driver: "local", RW: true };
  });
}

export const volumeFolder = (name: string) => `/var/lib/docker/volumes/${name}/_data`;
