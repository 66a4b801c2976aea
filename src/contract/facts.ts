import * as z from "zod";
import { networkFacts, volumeFacts } from "./attachments.ts";

/** One line of a check: of a host (doctor), or of a container against a destination (preflight). */
export const verdict = z.object({
  /** Stable key of what was checked, e.g. `criu`, `storage-driver`, `name`. */
  check: z.string(),
  level: z.enum(["ok", "warn", "fail"]),
  /** What was found, one sentence without a full stop. */
  message: z.string(),
  /** What to do about it; only with `warn` and `fail`. */
  remedy: z.string().optional(),
  /** With `fail`: the error that an action ends with because of it. */
  code: z.string().optional(),
});
export type Verdict = z.infer<typeof verdict>;

/** What an agent knows about its own host. Everything is read, nothing is assumed; what could not be read is null, with a reason. */
export const hostFacts = z.object({
  name: z.string(),
  agentVersion: z.string(),
  /** Version of the protocol between agents; equal on both sides of a migration. */
  protocol: z.int(),
  kernel: z.string(),
  /** As `uname -m` says. */
  architecture: z.string(),
  docker: z
    .object({
      version: z.string(),
      apiVersion: z.string(),
      /** `overlay2`, or `overlayfs` under the containerd image store. */
      storageDriver: z.string(),
      containerdStore: z.boolean(),
      cgroupVersion: z.enum(["1", "2"]),
      cgroupDriver: z.string(),
      rootDir: z.string(),
      runtimes: z.array(z.string()),
    })
    .nullable(),
  /** Why `docker` is null. */
  dockerProblem: z.string().optional(),
  /** Whether Docker knows the runtime hook, and whether the hook's files are in place, as the agent's version has them. */
  hook: z.object({ registered: z.boolean(), installed: z.boolean() }),
  runc: z.string().nullable(),
  criu: z
    .object({
      /** Such as `4.2.1`. */
      version: z.string(),
      /** Null where `criu check` passes; otherwise its reason. */
      problem: z.string().nullable(),
      /** userfaultfd with what CRIU needs: post-copy and the local lazy restore need it. */
      lazyPages: z.boolean(),
      /** Processes of other users than root can be dumped: it can read their limits, with CAP_SYS_RESOURCE or without. */
      otherUsers: z.boolean(),
      /** CRIU takes godwit's library, so that it neither dumps nor reads shared memory that goes in rounds. */
      sharedApart: z.boolean(),
    })
    .nullable(),
  /** The kernel tells which pages were written (PAGEMAP_SCAN with asynchronous write protection, Linux 6.7). */
  pageScan: z.boolean(),
  /** The kernel marks pages that are written (soft-dirty). Pre-copy needs this or `pageScan`, on the source. */
  softDirty: z.boolean(),
  /** fs.pipe-max-size in bytes. */
  pipeMaxSize: z.int(),
  /** CAP_SYS_RESOURCE: with it, the pipe size has no limit. */
  capSysResource: z.boolean(),
  /** A cgroup freezer that can be used: of version 2, of version 1, or none. */
  freezer: z.enum(["v2", "v1", "none"]),
  memory: z.object({ totalBytes: z.number(), availableBytes: z.number() }),
  /** Bytes free where Docker keeps containers, and where checkpoints are kept. */
  disk: z.object({ dockerFreeBytes: z.number(), storeFreeBytes: z.number() }),
  /** System tools that are missing, e.g. `rsync`. */
  missingTools: z.array(z.string()),
});
export type HostFacts = z.infer<typeof hostFacts>;

/** Mount of a container as Docker describes it. */
export const containerMount = z.object({
  type: z.string(),
  name: z.string().optional(),
  source: z.string(),
  destination: z.string(),
  driver: z.string().optional(),
  readOnly: z.boolean(),
});
export type ContainerMount = z.infer<typeof containerMount>;

const sharedNamespace = z.object({ name: z.string(), namespace: z.enum(["network", "pid", "ipc"]) });
/** A container that shares a namespace with another one. */
export type SharedNamespace = z.infer<typeof sharedNamespace>;

/** What the source knows about a container before it moves. */
export const containerFacts = z.object({
  id: z.string(),
  name: z.string(),
  /** Image reference as the container was created with it, and the id behind it. */
  image: z.string(),
  imageId: z.string(),
  state: z.string(),
  running: z.boolean(),
  /** Runtime that Docker starts it with: `runc`, `godwit`, ... */
  runtime: z.string(),
  /** Resident memory of all its processes, shared memory and tmpfs mounts, in bytes; 0 where it does not run. */
  memoryBytes: z.number(),
  /** What they would have more if they shared no page by copy-on-write, as forked workers do. */
  copiedBytes: z.number().default(0),
  /** What CRIU writes into its images, where it leaves other memory out. */
  shared: z.object({
    /** Allocated bytes of memory that belongs to no file: shared anonymous memory, memfds, System V segments. */
    memoryBytes: z.number(),
    /** Of these, in huge pages (MFD_HUGETLB and the like): no round takes them. */
    hugeBytes: z.number(),
    /** Content of its own tmpfs mounts, /dev/shm among them. */
    tmpfsBytes: z.number(),
    /** Private memory that its processes have locked (mlock). CRIU restores it before they run. */
    lockedBytes: z.number().default(0),
  }),
  /** Size of the writable layer in bytes. */
  writableBytes: z.number(),
  /** Size of its volumes in bytes. */
  volumeBytes: z.number(),
  processes: z.int(),
  mounts: z.array(containerMount),
  /** Those of its volumes that Docker knows. */
  volumes: z.array(volumeFacts),
  /** Published ports as `80/tcp -> 0.0.0.0:8080`; `chosen`: by Docker itself. */
  ports: z.array(z.object({ container: z.string(), hostIp: z.string(), hostPort: z.int(), chosen: z.boolean() })),
  networkMode: z.string(),
  networks: z.array(z.string()),
  /** Those of its networks that a user made. */
  networkFacts: z.array(networkFacts),
  logDriver: z.string(),
  restartPolicy: z.string(),
  autoRemove: z.boolean(),
  privileged: z.boolean(),
  tty: z.boolean(),
  /** Host devices given to it. */
  devices: z.array(z.string()),
  /** Device requests such as `nvidia` or `cdi`. */
  gpus: z.array(z.string()),
  pidMode: z.string(),
  ipcMode: z.string(),
  /** Containers that run in a namespace of this one. */
  namespaceSharers: z.array(sharedNamespace),
  /** Containers in whose namespaces this one runs; by the beginning of their ids where no name is known. */
  joined: z.array(sharedNamespace),
  /** Processes that run as another user or group than root; `as` such as `user 999`. */
  otherUsers: z.array(z.object({ pid: z.int(), command: z.string(), as: z.string() })),
  /** Processes into whose memory devices write (O_DIRECT, AIO, io_uring): that cannot be tracked. Known for a move alone. */
  pinned: z.array(z.object({ pid: z.int(), command: z.string() })),
  /** Mappings of its processes with transparent huge pages, in pages. Known for a move alone. */
  hugePages: z.array(z.object({ pid: z.int(), first: z.number(), count: z.number() })).default([]),
  /** What its processes have open that CRIU cannot dump, in words that fit after 'has'. */
  unsupported: z.array(z.string()),
  /** What its processes have open that CRIU dumps, and then refuses to restore or restores as something else; in such words. */
  unrestorable: z.array(z.string()),
  /** Why its processes cannot be dumped or restored in any mode, and what to do. */
  obstacles: z.array(z.object({ message: z.string(), remedy: z.string() })).default([]),
  /** Programs that `docker exec` runs in it, such as `bash`. */
  execSessions: z.array(z.string()),
  /** `docker inspect` as it is: the destination re-creates the container from it. */
  inspect: z.record(z.string(), z.unknown()),
});
export type ContainerFacts = z.infer<typeof containerFacts>;

/** What the destination found when it was asked about a container that may come. */
export const destinationView = z.object({
  nameTaken: z.boolean(),
  /** Whether the image is there, with the same content. */
  imagePresent: z.boolean(),
  /** Published ports of the container that are in use here. */
  portsTaken: z.array(z.object({ port: z.int(), protocol: z.string() })),
  /** Settings of the kernel that the container makes (`--sysctl`) and this host's kernel does not have. */
  sysctlsMissing: z.array(z.string()),
  /** AppArmor profile that its processes run under, where this host has none of that name; null otherwise. */
  appArmorMissing: z.string().nullable(),
  networksMissing: z.array(z.string()),
  /** Networks of the same name that are not the same: what differs, in words. */
  networksDifferent: z.array(z.object({ name: z.string(), what: z.string() })),
  /** Addresses that the container would ask for here and cannot have: another has them, or (null) no subnet there has them. */
  addressesRefused: z.array(z.object({ network: z.string(), address: z.string(), by: z.string().nullable() })),
  /** Sources of its bind mounts: whether they are copied, and whether there is something at that path here. */
  binds: z.array(z.object({ source: z.string(), copied: z.boolean(), there: z.boolean() })),
  /** Named volumes of the container that exist here already. */
  volumesPresent: z.array(z.string()),
});
export type DestinationView = z.infer<typeof destinationView>;

/** A line of `godwit ps`. */
export const containerSummary = z.object({
  host: z.string(),
  id: z.string(),
  name: z.string(),
  image: z.string(),
  state: z.string(),
  status: z.string(),
  runtime: z.string(),
  /** What would stop it from moving anywhere: verdicts of level `fail`, then of level `warn`. */
  obstacles: z.array(verdict),
});
export type ContainerSummary = z.infer<typeof containerSummary>;
