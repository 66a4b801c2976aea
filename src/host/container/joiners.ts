import type { ContainerFacts } from "../../contract/facts.ts";
import type { Docker } from "../docker/docker.ts";
import type { ContainerInspect } from "../docker/inspect.ts";

type Joiner = ContainerFacts["joiners"][number];

/** The containers with processes in a namespace of this one (`--network container:…`), by name. */
export async function readJoiners(docker: Docker, container: ContainerInspect): Promise<Joiner[]> {
  const listed = (await docker.containers()).filter(({ State }) => ["running", "paused"].includes(State));
  const others = await Promise.all(listed.map(({ Id }) => docker.find(Id)));
  return others
    .flatMap((other) => (other ? joinsOf(other, container) : []))
    .sort((one, another) => one.name.localeCompare(another.name, "en"));
}

function joinsOf({ Name, HostConfig }: ContainerInspect, container: ContainerInspect): Joiner[] {
  const modes = { network: HostConfig.NetworkMode, pid: HostConfig.PidMode, ipc: HostConfig.IpcMode };
  const joined = Object.entries(modes).filter(([, mode]) => mode && isOf(mode, container));
  return joined.map(([namespace]) => ({ name: Name.slice(1), namespace: namespace as keyof typeof modes }));
}

/** A mode names the other container by its name, its id, or the beginning of that. */
function isOf(mode: string, { Id, Name }: ContainerInspect): boolean {
  const [kind, other = ""] = mode.split(":");
  return kind === "container" && other !== "" && (other === Name.slice(1) || Id.startsWith(other));
}
