import { deferKills, defersKills, deliverKills } from "../../../host/cgroup/deferred-kills.ts";
import { thaw } from "../../../host/cgroup/freezer.ts";
import { endDumps } from "../../../host/criu/dump/end-dumps.ts";
import type { Host } from "../../../host/host.ts";
import { announce } from "../../../host/network/announce.ts";
import { endWithoutLeftovers } from "../../../host/network/leftover-connections.ts";
import { endConnections, unblockTraffic } from "../../../host/network/traffic-block.ts";
import { containerProcesses } from "../../../host/proc/processes.ts";
import { findRuncContainer } from "../../../host/runtime/runc.ts";
import type { Log } from "../../../operations/log.ts";
import { sourceMayRun } from "../../baton/source.ts";
import type { OutgoingRecord } from "../record.ts";
import type { MemoryServer } from "../transfer/memory-server.ts";
import type { SourceWorld } from "./world.ts";

/** What the source does to the original. */
export function thawAndEnd(
  record: OutgoingRecord,
  { host, memory, log }: { host: Host; memory: Pick<MemoryServer, "close">; log: Log },
): Omit<SourceWorld, "offer" | "askBaton" | "askCompleted"> {
  const { containerId, migration } = record;
  let resetting: Promise<void> | undefined;
  let protecting: Promise<void> | undefined;
  /**
   * Docker starts no container that it is removing. So the removal begins before a kill that waited arrives: the `docker restart`
   * that sent it would start the original again.
   */
  const beginRemoval = () => {
    const { begun, done } = host.engine.beginRemoval(containerId);
    done.catch((error) => log.warn({ err: error, migration }, "the original was not removed yet"));
    return { begun, done };
  };
  return {
    async thaw() {
      // A container that its user has paused stays so.
      if (!record.mayBeFrozen) return true;
      if (!sourceMayRun(record.state)) throw new Error("the container may not run here");
      const running = await findRuncContainer(containerId);
      if (!running) return false;
      memory.close();
      await protecting;
      await deliverKills(containerId);
      await endDumps(running.id);
      // None keeps another from being done; where one fails, all are repeated.
      const [found, network, thawed] = await Promise.allSettled([
        containerProcesses(running.cgroup),
        unblockTraffic(running.pid),
        thaw(running),
      ]);
      if (thawed.status === "rejected") throw thawed.reason;
      if (found.status === "rejected") throw found.reason;
      const isAlive = found.value.length > 0;
      if (network.status === "rejected" && isAlive) throw network.reason;
      // The destination may have announced these addresses as its own.
      if (record.keepConnections) announce(running.pid);
      return isAlive;
    },

    async restoreRestartPolicy() {
      if (record.restartPolicy && (await host.engine.find(containerId)))
        await host.engine.setRestartPolicy(containerId, record.restartPolicy);
    },

    async kill() {
      memory.close();
      // What the kernel tells the peers of these connections must reach them.
      await resetting;
      await protecting;
      await endWithoutLeftovers(containerId, async () => {
        const isProtected = await defersKills(containerId);
        const removing = isProtected && !record.keepSource ? beginRemoval() : undefined;
        await removing?.begun;
        await deliverKills(containerId);
        await host.engine.killAndWait(containerId);
        await removing?.done;
      });
    },

    async remove() {
      await host.engine.remove(containerId, { force: true });
      for (const volume of record.volumes) {
        // Docker refuses to remove a volume that another container uses: it stays.
        await host.engine.removeVolume(volume).catch((error) => log.info({ err: error, volume }, "a volume stays"));
      }
    },

    protect() {
      protecting = findRuncContainer(containerId)
        .then((running) => running && deferKills(running))
        .catch((error) => log.warn({ err: error, migration }, "kills of the frozen original are not deferred"));
    },

    resetConnections() {
      if (record.keepConnections) return;
      resetting = findRuncContainer(containerId)
        .then((running) => running && endConnections(running.pid))
        .catch((error) => log.warn({ err: error, migration }, "connections of the original were not reset"));
    },
  };
}
