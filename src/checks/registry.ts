import type { Check, ContainerOnHost, OneHost, PlannedMove, TwoHosts } from "./check.ts";
import { autoRemove } from "./container/auto-remove.ts";
import { gpus, hostDevices, privileged } from "./container/devices.ts";
import { execSessions } from "./container/exec-sessions.ts";
import { features } from "./container/features.ts";
import { links } from "./container/links.ts";
import { logDriver } from "./container/log-driver.ts";
import { mounts, volumeDrivers } from "./container/mounts.ts";
import { namespaceSharers, namespacesOfContainers, namespacesOfHost } from "./container/namespaces.ts";
import { processObstacles } from "./container/obstacles.ts";
import { openFiles, unrestorable, unrestorableKept } from "./container/open-files.ts";
import { processesOfOtherUsers } from "./container/other-users.ts";
import { runtime } from "./container/runtime.ts";
import { state } from "./container/state.ts";
import { criu } from "./host/criu.ts";
import { dirtyTracking } from "./host/dirty-tracking.ts";
import { disk } from "./host/disk.ts";
import { docker } from "./host/docker.ts";
import { freezer } from "./host/freezer.ts";
import { hook } from "./host/hook.ts";
import { memory } from "./host/memory.ts";
import { otherUsers } from "./host/other-users.ts";
import { pipeSize } from "./host/pipe-size.ts";
import { runc } from "./host/runc.ts";
import { storageDriver } from "./host/storage-driver.ts";
import { tools } from "./host/tools.ts";
import { userfaultfd } from "./host/userfaultfd.ts";
import { addresses } from "./move/addresses.ts";
import { appArmor } from "./move/app-armor.ts";
import { askedMode } from "./move/asked-mode.ts";
import { bindMounts } from "./move/bind-mounts.ts";
import { connections } from "./move/connections.ts";
import { idleOptions } from "./move/idle-options.ts";
import { imagesRoom } from "./move/images-room.ts";
import { name } from "./move/name.ts";
import { networks } from "./move/networks.ts";
import { pinnedMemory } from "./move/pinned-memory.ts";
import { ports } from "./move/ports.ts";
import { diskRoom, memoryRoom } from "./move/room.ts";
import { sameHost } from "./move/same-host.ts";
import { sharedMemory } from "./move/shared-memory.ts";
import { sysctls } from "./move/sysctls.ts";
import { mountedVolumes, sharedVolumes, volumes } from "./move/volumes.ts";
import { agents } from "./two-hosts/agents.ts";
import { architecture } from "./two-hosts/architecture.ts";
import { cgroup } from "./two-hosts/cgroup.ts";
import { criuVersions } from "./two-hosts/criu-versions.ts";
import { kernel } from "./two-hosts/kernel.ts";
import { possibleModes } from "./two-hosts/possible-modes.ts";

/* Every check, by what it looks at. Users see the verdicts in this order. */

/** What was asked for. */
export const requestChecks: readonly Check<PlannedMove>[] = [sameHost, idleOptions];

const usedFeatures: readonly Check<ContainerOnHost>[] = [
  ...[runtime, gpus, hostDevices, privileged, openFiles, unrestorable, unrestorableKept, processObstacles],
  ...[...namespacesOfHost, ...namespacesOfContainers, ...namespaceSharers],
  ...[volumeDrivers, mounts, links, autoRemove, execSessions, logDriver],
];

/** What the container is, and uses. */
export const containerChecks: readonly Check<ContainerOnHost>[] = [
  state,
  ...usedFeatures,
  features(usedFeatures),
  processesOfOtherUsers,
];

export const hostChecks: readonly Check<OneHost>[] = [
  ...[docker, storageDriver, hook, runc, criu, dirtyTracking, userfaultfd, otherUsers, pipeSize, freezer],
  ...[memory, disk, tools],
];

/** What the source needs for this container. */
export const departureChecks: readonly Check<PlannedMove>[] = [imagesRoom, sharedMemory, pinnedMemory];

/** What two hosts have in common. */
export const twoHostsChecks: readonly Check<TwoHosts>[] = [
  ...[agents, architecture, cgroup, criuVersions, kernel, possibleModes],
];

/** What the mode needs of both hosts. */
export const modeChecks: readonly Check<PlannedMove>[] = [askedMode];

/** Whether the destination has room for this container, and what the container is attached to. */
export const arrivalChecks: readonly Check<PlannedMove>[] = [
  ...[name, memoryRoom, diskRoom, sysctls, appArmor, ports, networks, addresses, connections],
  ...[bindMounts, volumes, sharedVolumes, mountedVolumes],
];
