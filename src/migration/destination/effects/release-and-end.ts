import { setTimeout as sleep } from "node:timers/promises";
import { containerName } from "../../../host/container/facts.ts";
import { hookName } from "../../../host/paths.ts";
import { disarmContainer, endLeftRestore } from "../../../host/restore/arm.ts";
import { releaseImageSpace, workFolderOf } from "../../../host/restore/image-space.ts";
import { removeCgroupAhead, removePending } from "../../../host/restore/pending.ts";
import type { IncomingMigration } from "../incoming.ts";
import { removeAttachments } from "../prepare/attachments.ts";
import type { DestinationWorld } from "./world.ts";

/** A step that still makes something takes no longer, unless Docker hangs. */
const makingMs = 30_000;

/** What the destination does to a container that came, and to what is left of one that did not. */
export function releaseAndEnd(m: IncomingMigration): Omit<DestinationWorld, "restore" | "wasRestored" | "drainAgain"> {
  const { record, deps } = m;
  const { host } = deps;
  const kill = async (why: string) => {
    if (m.hasArmed) await disarmContainer(m.armed, why);
    else await endLeftRestore(workFolderOf(m.migration));
    if (record.created) await host.engine.killAndWait(record.created);
    await m.memory.discard();
  };
  return {
    async release() {
      if (m.hasArmed) await m.armed.pending.remove();
      else await removePending(m.createdId);
    },

    async restoreRestartPolicy() {
      const { HostConfig } = record.request.container.inspect as {
        HostConfig?: { RestartPolicy?: { Name?: string } };
      };
      const policy = HostConfig?.RestartPolicy;
      // A user may have removed the container by now.
      if (!policy?.Name || policy.Name === "no" || !(await host.engine.find(m.createdId))) return;
      await host.engine.setRestartPolicy(m.createdId, policy);
    },

    freeRoom: () => releaseImageSpace(m.migration),
    kill,

    async discard() {
      await Promise.race([m.made(), sleep(makingMs, undefined, { ref: false })]);
      await kill("the container stays on its source");
      const id = record.created ?? (await findOrphanedContainer(m));
      if (id) {
        await host.engine.remove(id, { force: true, volumes: true });
        if (m.hasArmed) m.armed.pending.close();
        await removeCgroupAhead(id);
        await removePending(id);
      }
      // Both are tried, whatever becomes of the other: memory must not stay mounted.
      const ended = await Promise.allSettled([
        removeAttachments(host, record, () => m.save()),
        releaseImageSpace(m.migration),
      ]);
      for (const each of ended) if (each.status === "rejected") throw each.reason;
    },
  };
}

/** The container whose id Docker could not tell any more, because the agent had ended. Its name was free before. */
async function findOrphanedContainer({ record, deps }: IncomingMigration): Promise<string | undefined> {
  const { creating, request, startedAt } = record;
  const found = creating ? await deps.host.engine.find(request.container.name) : undefined;
  const isOurs = found && containerName(found) === request.container.name && found.HostConfig.Runtime === hookName;
  return isOurs && found.State.Status === "created" && found.Created >= startedAt ? found.Id : undefined;
}
