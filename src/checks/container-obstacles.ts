import * as z from "zod";
import type { ContainerFacts, HostFacts, SharedNamespace, Verdict } from "../contract/facts.ts";
import { bytes } from "../contract/units.ts";
import { sourceChecks } from "./doctor.ts";
import { fail, obstaclesIn, ok, warn } from "./verdict.ts";

/** What would stop a container from moving anywhere, or is lost on the way: `fail` first. Of the host only what forbids it. */
export function containerObstacles(container: ContainerFacts, host: HostFacts): Verdict[] {
  const ofHost = sourceChecks(host, false).filter(({ level }) => level === "fail");
  return obstaclesIn([...containerChecks(container), ...userCheck(container, host), ...ofHost]);
}

/** So many processes are named. */
const mostNamed = 3;

/** CRIU reads the limits of every process; those of another user's it may not read everywhere. */
export function userCheck({ otherUsers }: ContainerFacts, { criu, name: host }: HostFacts): Verdict[] {
  const [first, ...others] = otherUsers;
  if (!first || !criu || criu.otherUsers) return [];
  const named = others.slice(0, mostNamed - 1).map(({ command, pid, as }) => `${command} (pid ${pid}) as ${as}`);
  const more = others.length - named.length;
  const rest = [...named, ...(more > 0 ? [`${more} more`] : [])].map((each) => `, ${each}`).join("");
  return [
    unsupported(
      "user",
      `${first.command} (pid ${first.pid}) runs as ${first.as}${rest}, and CRIU cannot read the limits of other users' processes on ${host}, where CAP_SYS_RESOURCE is missing`,
      `run Docker and the agent of ${host} with CAP_SYS_RESOURCE`,
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

/** Key of the check for what a checkpoint can be taken of, and never be restored. */
export const restoreCheck = "restore";

function openFiles({ uncarried, unrestorable }: ContainerFacts): Verdict[] {
  const remedy = "have the program do without, or wait until that is not open";
  const found: Verdict[] = [];
  if (uncarried.length > 0)
    found.push(unsupported("open-files", `has ${uncarried.join(", ")} open, which CRIU cannot dump`, remedy));
  if (unrestorable.length > 0)
    found.push(unsupported(restoreCheck, `has ${unrestorable.join(", ")} open, which CRIU cannot restore`, remedy));
  return found;
}

function namespaces({ networkMode, pidMode, ipcMode, joined }: ContainerFacts): Verdict[] {
  const shared = (namespace: keyof typeof namespaceWords, other: string) =>
    unsupported(
      `${namespace}-mode`,
      `shares its ${namespaceWords[namespace]} with ${other}`,
      `create it without --${namespace}`,
    );
  return [
    ...(networkMode === "host"
      ? [
          warn(
            "network-mode",
            "uses the host's network: its addresses and connections stay behind, sockets that only listen move",
            "create it with a network of its own to move connections",
          ),
        ]
      : []),
    ...(pidMode === "host" ? [shared("pid", "the host")] : []),
    ...(ipcMode === "host" ? [shared("ipc", "the host")] : []),
    ...joined.map(({ namespace, name }) => shared(namespace, `container ${name}`)),
  ];
}

const namespaceWords = { network: "network", pid: "process ids", ipc: "shared memory" };

/** Key of the check for containers that run in such a namespace of this one. */
export const joinedCheck = (namespace: SharedNamespace["namespace"]) => `${namespace}-joined`;

/** Such a container would be silenced with this one, and have the namespace no more when this one has gone. */
function joiners({ joiners }: ContainerFacts): Verdict[] {
  return joiners.map(({ name, namespace }) =>
    unsupported(
      joinedCheck(namespace),
      `shares its ${namespaceWords[namespace]} with container ${name}, which would lose it`,
      `stop ${name} first`,
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
