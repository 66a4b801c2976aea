import { basename } from "node:path";
import { api } from "./api-path.ts";
import { ignoreStatus } from "./client.ts";
import type { Docker } from "./containers.ts";
import type { ContainerInspect } from "../inspect.ts";

/** Programs that `docker exec` runs in a container. Docker runs health checks in the same way; they are none of them. */
export async function readExecSessions({ client }: Docker, container: ContainerInspect): Promise<string[]> {
  const read = (session: string) =>
    client.get<ExecInspect>(api`/exec/${session}/json`).then(commandOf, (error): string[] => {
      ignoreStatus(404)(error);
      return [];
    });
  const commands = await Promise.all((container.ExecIDs ?? []).map(read));
  const check = healthCommand(container)?.join("\0");
  return commands
    .filter((command) => command.length > 0 && command.join("\0") !== check)
    .map(([program = ""]) => basename(program))
    .sort();
}

interface ExecInspect {
  Running: boolean;
  ProcessConfig: { entrypoint: string; arguments?: string[] | null };
}

/** Word by word; empty of one that has ended. */
function commandOf({ Running, ProcessConfig }: ExecInspect): string[] {
  return Running ? [ProcessConfig.entrypoint, ...(ProcessConfig.arguments ?? [])] : [];
}

/** What Docker runs to see whether a container is healthy, word by word; undefined where it has no such check. */
function healthCommand({ Config }: Pick<ContainerInspect, "Config">): string[] | undefined {
  const [kind, ...words] = Config.Healthcheck?.Test ?? [];
  if (kind === "CMD") return words;
  if (kind === "CMD-SHELL") return [...(Config.Shell?.length ? Config.Shell : ["/bin/sh", "-c"]), ...words];
  return undefined;
}
