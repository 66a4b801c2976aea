import { z } from "zod";
import type { ContainerFacts, HostFacts, Verdict } from "../contract/facts.ts";
import { sourceChecks } from "./doctor.ts";
import { bytes } from "./units.ts";
import { fail, obstaclesIn, ok, warn } from "./verdict.ts";

/** What would stop a container from moving anywhere, or is lost on the way: `fail` first. Of the host only what forbids it. */
export function containerObstacles(container: ContainerFacts, host: HostFacts): Verdict[] {
  const ofHost = sourceChecks(host, false).filter(({ level }) => level === "fail");
  return obstaclesIn([...containerChecks(container), ...userCheck(container, host), ...ofHost]);
}

const withUser = z.object({ Config: z.object({ User: z.string() }) });
const rootNames = ["", "0", "root"];

/** CRIU reads the limits of every process; those of another user's only a host with CAP_SYS_RESOURCE may. */
export function userCheck({ inspect }: ContainerFacts, host: HostFacts): Verdict[] {
  const user = withUser.safeParse(inspect).data?.Config.User ?? "";
  if (host.capSysResource || rootNames.includes(user.split(":")[0] ?? "")) return [];
  return [
    unsupported(
      "user",
      `runs as user ${user}, whose limits CRIU cannot read on ${host.name}, where CAP_SYS_RESOURCE is missing`,
      `run Docker and the agent of ${host.name} with CAP_SYS_RESOURCE`,
    ),
  ];
}

/** What the container itself says about a move: its state, then a line for each thing that forbids or loses something. */
export function containerChecks(container: ContainerFacts): Verdict[] {
  const features = [
    ...runtime(container),
    ...devices(container),
    ...openFiles(container),
    ...namespaces(container),
    ...joiners(container),
    ...mounts(container),
    ...links(container),
    ...warnings(container),
  ];
  return [state(container), ...(features.length > 0 ? features : [ok("features", "uses nothing that cannot move")])];
}

function state(container: ContainerFacts): Verdict {
  const { name, running, processes, memoryBytes } = container;
  if (running && container.state === "running") {
    const count = processes === 1 ? "1 process" : `${processes} processes`;
    return ok("state", processes === 0 ? `${name} runs` : `${name} runs: ${count}, ${bytes(memoryBytes)} of memory`);
  }
  const start = container.state === "paused" ? "unpause" : "start";
  return fail(
    "state",
    "container-not-running",
    `${name} is ${container.state}, not running`,
    `docker ${start} ${name}`,
  );
}

const knownRuntimes = ["runc", "godwit", "io.containerd.runc.v2"];

function runtime({ runtime: name }: ContainerFacts): Verdict[] {
  if (knownRuntimes.includes(name)) return [];
  return [unsupported("runtime", `runs under the runtime ${name}, which is not runc`, "create it with --runtime runc")];
}

function devices(container: ContainerFacts): Verdict[] {
  const found: Verdict[] = [];
  if (container.gpus.length > 0) {
    const which = container.gpus.join(", ");
    found.push(unsupported("gpu", `uses a GPU (${which}), whose memory CRIU cannot save`, "create it without --gpus"));
  }
  if (container.devices.length > 0) {
    const which = container.devices.join(", ");
    found.push(unsupported("devices", `uses host devices (${which})`, "create it without --device"));
  }
  if (container.privileged) {
    found.push(
      warn(
        "privileged",
        "is privileged: what it changed in the kernel or on devices of the host does not move",
        "create it without --privileged where it needs only single capabilities",
      ),
    );
  }
  return found;
}

function openFiles({ uncarried }: ContainerFacts): Verdict[] {
  if (uncarried.length === 0) return [];
  const what = `has ${uncarried.join(", ")} open, which CRIU cannot carry`;
  return [unsupported("open-files", what, "have the program do without, or move it while that is not open")];
}

function namespaces({ networkMode, pidMode, ipcMode }: ContainerFacts): Verdict[] {
  const found: Verdict[] = [];
  if (networkMode === "host") {
    found.push(
      warn(
        "network-mode",
        "uses the host's network: its addresses and connections stay behind, sockets that only listen move",
        "create it with a network of its own to move connections",
      ),
    );
  }
  const shared: [string, string, string][] = [
    ["network-mode", namespaceWords.network, networkMode],
    ["pid-mode", namespaceWords.pid, pidMode],
    ["ipc-mode", namespaceWords.ipc, ipcMode],
  ];
  for (const [check, what, mode] of shared) {
    const other = mode.startsWith("container:") ? `container ${mode.slice("container:".length, 22)}` : undefined;
    const withHost = mode === "host" && check !== "network-mode";
    if (!other && !withHost) continue;
    found.push(
      unsupported(
        check,
        `shares its ${what} with ${other ?? "the host"}`,
        `create it without --${check.replace("-mode", "")}`,
      ),
    );
  }
  return found;
}

const namespaceWords = { network: "network", pid: "process ids", ipc: "shared memory" };

/** Such a container would be silenced with this one, and have the namespace no more when this one has gone. */
function joiners({ joiners }: ContainerFacts): Verdict[] {
  return joiners.map(({ name, namespace }) =>
    unsupported(
      `${namespace}-joined`,
      `shares its ${namespaceWords[namespace]} with container ${name}, which would lose it`,
      `stop ${name} before the move`,
    ),
  );
}

function mounts(container: ContainerFacts): Verdict[] {
  return container.mounts.flatMap(({ type, name, driver, destination }) => {
    if (type === "volume" && (driver ?? "local") !== "local") {
      const what = `volume ${name ?? destination} is kept by the driver ${driver}`;
      return [unsupported("volume-driver", `${what}, which godwit cannot read`, "use a volume of the driver local")];
    }
    if (["volume", "bind", "tmpfs"].includes(type)) return [];
    return [unsupported("mounts", `has a mount of the type ${type} at ${destination}`, "use a volume or a bind mount")];
  });
}

const withLinks = z.object({ HostConfig: z.object({ Links: z.array(z.string()).min(1) }) });

/** Docker's old links name containers of the same host by their ids; networks have aliases instead. */
function links({ inspect }: ContainerFacts): Verdict[] {
  const linked = withLinks.safeParse(inspect);
  if (!linked.success) return [];
  const which = linked.data.HostConfig.Links.map((link) => link.split(":")[0]?.replace(/^\//, "")).join(", ");
  return [
    unsupported("links", `is linked to other containers of its host (${which})`, "use a network instead of --link"),
  ];
}

/** Log drivers whose files godwit carries; `none` and an unknown one have no history to carry. */
const carriedLogs = ["json-file", "local", "none", ""];

function warnings(container: ContainerFacts): Verdict[] {
  const found: Verdict[] = [];
  if (container.autoRemove) {
    found.push(
      warn(
        "auto-remove",
        "was started with --rm: Docker would remove it at the dump, so it is kept until the move is over",
        "none needed; it is removed when it ends, as before",
      ),
    );
  }
  const sessions = container.execSessions;
  if (sessions.length > 0) {
    const count = sessions.length === 1 ? "1 session" : `${sessions.length} sessions`;
    found.push(
      warn(
        "exec",
        `${count} of 'docker exec' will end (${[...new Set(sessions)].join(", ")})`,
        "leave them before the move, and enter again after it",
      ),
    );
  }
  if (!carriedLogs.includes(container.logDriver)) {
    found.push(
      warn(
        "log-driver",
        `logs go to ${container.logDriver}: the history stays where that keeps it`,
        "use --log-driver json-file or local to have the history with the container",
      ),
    );
  }
  return found;
}

function unsupported(check: string, message: string, remedy: string): Verdict {
  return fail(check, "unsupported-container", message, remedy);
}
