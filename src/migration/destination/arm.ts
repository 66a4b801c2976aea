import { roomOnDestination } from "../../checks/image-room.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { ArmOrder } from "../../contract/peer/messages.ts";
import { armContainer } from "../../host/restore/arm.ts";
import type { IncomingMigration } from "./incoming.ts";

/**
 * Docker, containerd, the shim and runc do their part, and wait in the runtime hook; what takes memory is ready. It stays armed when
 * the mode changes.
 */
export async function arm(m: IncomingMigration, { mode, keepConnections, shared }: ArmOrder): Promise<void> {
  const { container } = m.record.request;
  await m.space.grow(roomOnDestination(container, shared));
  await m.memory.prepare(mode);
  if (m.hasArmed) return;
  const { host } = m.deps;
  const tty = Boolean((container.inspect.Config as { Tty?: boolean } | undefined)?.Tty);
  m.armed = await armContainer(host.engine, m.createdId, {
    ...{ tty, keepConnections, lazy: m.memory.lazy, init: m.init },
    charge: (cgroupOf) => charge(m, cgroupOf),
    dockerRoot: await host.dockerRoot(),
    images: m.space.images,
    work: m.space.work,
  });
  m.trees.set(0, m.armed.root.upper);
}

/** A container whose memory is charged to the agent is as good as any other, but for its limit. */
async function charge(m: IncomingMigration, cgroupOf: () => Promise<string | undefined>): Promise<void> {
  try {
    const cgroup = await cgroupOf();
    if (cgroup) await m.memory.charge(cgroup);
  } catch (error) {
    if (error instanceof GodwitError) throw error;
    const { deps, migration } = m;
    deps.log.warn({ err: error, migration }, "shared memory of the container is charged to this agent");
  }
}
