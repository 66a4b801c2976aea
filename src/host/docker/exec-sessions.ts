import { basename } from "node:path";
import type { Docker } from "./docker.ts";
import type { ContainerInspect } from "./inspect.ts";

/** Programs that `docker exec` runs in a container. Docker runs health checks in the same way; they are none of them. */
export async function readExecSessions(docker: Docker, container: ContainerInspect): Promise<string[]> {
  const commands = await Promise.all((container.ExecIDs ?? []).map((session) => docker.execCommand(session)));
  const check = healthCommand(container)?.join("\0");
  return commands
    .filter((command) => command !== undefined && command.join("\0") !== check)
    .map((command) => basename(command?.[0] ?? ""))
    .sort();
}

/** What Docker runs to see whether a container is healthy, word by word; undefined where it has no such check. */
function healthCommand({ Config }: Pick<ContainerInspect, "Config">): string[] | undefined {
  const [kind, ...words] = Config.Healthcheck?.Test ?? [];
  if (kind === "CMD") return words;
  if (kind === "CMD-SHELL") return [...(Config.Shell?.length ? Config.Shell : ["/bin/sh", "-c"]), ...words];
  return undefined;
}
