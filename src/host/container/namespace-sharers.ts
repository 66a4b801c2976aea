import type { SharedNamespace } from "../../contract/facts.ts";
import type { Engine, ListedContainer } from "../engine/engine.ts";
import type { ContainerInspect } from "../engine/inspect.ts";

/** The containers of this host, with what is needed to find out which of them share a namespace. */
export interface Neighbours {
  all: ListedContainer[];
  /** The containers that have processes. */
  running: ContainerInspect[];
}

const haveProcesses = ["running", "paused"];

/** Reads the containers of this host. It inspects only those that run: Docker does not answer about a container that it is starting. */
export async function readNeighbours(engine: Engine): Promise<Neighbours> {
  const all = await engine.containers();
  const listed = all.filter(({ State }) => haveProcesses.includes(State));
  const running = await Promise.all(listed.map(({ Id }) => engine.find(Id)));
  return { all, running: running.filter((found) => found !== undefined) };
}

/** The containers with processes in a namespace of this container (`--network container:…`), by name. */
export function namespaceSharersOf(container: ContainerInspect, { running }: Neighbours): SharedNamespace[] {
  return running
    .flatMap((other) =>
      joinsOf(other)
        .filter(({ mode }) => isMeant(mode, container.Id, nameOf(container)))
        .map(({ namespace }) => ({ name: nameOf(other), namespace })),
    )
    .sort((one, another) => one.name.localeCompare(another.name, "en"));
}

/** The containers in whose namespaces this container runs, by name. A container that is gone is given by the beginning of its id. */
export function joinedBy(container: ContainerInspect, { all }: Neighbours): SharedNamespace[] {
  return joinsOf(container).map(({ mode, namespace }) => {
    const found = all.find(({ Id, Names }) => Names.some((name) => isMeant(mode, Id, name.slice(1))));
    return { name: found?.Names[0]?.slice(1) ?? mode.slice(0, shortId), namespace };
  });
}

const shortId = 12;
const nameOf = ({ Name }: ContainerInspect) => Name.slice(1);

/** The containers that it joins. `mode` is the text after `container:`. */
function joinsOf({ HostConfig }: ContainerInspect): { mode: string; namespace: SharedNamespace["namespace"] }[] {
  const modes = { network: HostConfig.NetworkMode, pid: HostConfig.PidMode, ipc: HostConfig.IpcMode } as const;
  return Object.entries(modes).flatMap(([namespace, mode]) => {
    const [kind, other] = (mode ?? "").split(":");
    return kind === "container" && other ? [{ mode: other, namespace: namespace as keyof typeof modes }] : [];
  });
}

/** A mode names the other container by its name, its id, or the beginning of its id. */
const isMeant = (mode: string, id: string, name: string) => mode === name || id.startsWith(mode);
