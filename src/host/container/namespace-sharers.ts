import type { SharedNamespace } from "../../contract/facts.ts";
import type { Engine, ListedContainer } from "../engine/engine.ts";
import type { ContainerInspect } from "../engine/inspect.ts";

/** The containers of this host, as far as one asks who shares a namespace with whom. */
export interface Neighbours {
  all: ListedContainer[];
  /** Those that have processes. */
  running: ContainerInspect[];
}

const haveProcesses = ["running", "paused"];

/** Docker does not answer about a container that it is starting: only those that run are asked about. */
export async function readNeighbours(engine: Engine): Promise<Neighbours> {
  const all = await engine.containers();
  const listed = all.filter(({ State }) => haveProcesses.includes(State));
  const running = await Promise.all(listed.map(({ Id }) => engine.find(Id)));
  return { all, running: running.filter((found) => found !== undefined) };
}

/** Those with processes in a namespace of this container (`--network container:…`). */
export function namespaceSharersOf(container: ContainerInspect, { running }: Neighbours): SharedNamespace[] {
  return running
    .flatMap((other) =>
      joinsOf(other)
        .filter(({ mode }) => isMeant(mode, container.Id, nameOf(container)))
        .map(({ namespace }) => ({ name: nameOf(other), namespace })),
    )
    .sort((one, another) => one.name.localeCompare(another.name, "en"));
}

/** Those in whose namespaces this container runs; by the beginning of the id where no name is known. */
export function joinedBy(container: ContainerInspect, { all }: Neighbours): SharedNamespace[] {
  return joinsOf(container).map(({ mode, namespace }) => {
    const found = all.find(({ Id, Names }) => Names.some((name) => isMeant(mode, Id, name.slice(1))));
    return { name: found?.Names[0]?.slice(1) ?? mode.slice(0, shortId), namespace };
  });
}

const shortId = 12;
const nameOf = ({ Name }: ContainerInspect) => Name.slice(1);

/** What it names the others by, behind `container:`. */
function joinsOf({ HostConfig }: ContainerInspect): { mode: string; namespace: SharedNamespace["namespace"] }[] {
  const modes = { network: HostConfig.NetworkMode, pid: HostConfig.PidMode, ipc: HostConfig.IpcMode } as const;
  return Object.entries(modes).flatMap(([namespace, mode]) => {
    const [kind, other] = (mode ?? "").split(":");
    return kind === "container" && other ? [{ mode: other, namespace: namespace as keyof typeof modes }] : [];
  });
}

/** A mode names the other container by its name, its id, or the beginning of that. */
const isMeant = (mode: string, id: string, name: string) => mode === name || id.startsWith(mode);
