import { basename } from "node:path";
import type { ContainerInspect } from "../inspect.ts";
import { api } from "./api-path.ts";
import type { DockerClient } from "./client.ts";

/** Programs that `docker exec` runs in a container. Docker runs health checks in the same way; they are none of them. */
export async function readExecSessions(
  client: Pick<DockerClient, "find">,
  container: ContainerInspect,
): Promise<string[]> {
  const read = async (session: string) => commandOf(await client.find<ExecInspect>(api`/exec/${session}/json`));
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

/** Word by word; empty for a session that has ended or is gone. */
function commandOf(session: ExecInspect | undefined): string[] {
  if (!session?.Running) return [];
  return [session.ProcessConfig.entrypoint, ...(session.ProcessConfig.arguments ?? [])];
}

/** What Docker runs to see whether a container is healthy, word by word; undefined where it has no such check. */
function healthCommand({ Config }: Pick<ContainerInspect, "Config">): string[] | undefined {
  const [kind, ...words] = Config.Healthcheck?.Test ?? [];
  if (kind === "CMD") return words;
  if (kind === "CMD-SHELL") return [...(Config.Shell?.length ? Config.Shell : ["/bin/sh", "-c"]), ...words];
  return undefined;
}
