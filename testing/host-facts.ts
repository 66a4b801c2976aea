import type { ContainerFacts, DestinationView, HostFacts } from "../src/contract/facts.ts";

/** For tests: a host without a fault, a container that can move, and a destination where nothing is in its way. */
export function host(name: string, change: Partial<HostFacts> = {}): HostFacts {
  return {
    name,
    agentVersion: "0.1.0",
    protocol: 1,
    kernel: "6.18.5",
    architecture: "x86_64",
    docker: {
      version: "28.5.2",
      apiVersion: "1.51",
      storageDriver: "overlay2",
      containerdStore: false,
      cgroupVersion: "2",
      cgroupDriver: "cgroupfs",
      rootDir: "/var/lib/docker",
      runtimes: ["runc", "godwit"],
    },
    hook: { registered: true, installed: true },
    runc: "1.3.6",
    criu: {
      version: "4.2.1",
      problem: null,
      lazyPages: true,
      otherUsers: true,
      sharedApart: false,
    },
    pageScan: true,
    softDirty: false,
    pipeMaxSize: 8388608,
    capSysResource: false,
    freezer: "v2",
    memory: { totalBytes: 8 * 1024 ** 3, availableBytes: 4 * 1024 ** 3 },
    disk: { dockerFreeBytes: 20 * 1024 ** 3, storeFreeBytes: 20 * 1024 ** 3 },
    missingTools: [],
    ...change,
  };
}

export function dockerOf(change: Partial<NonNullable<HostFacts["docker"]>>): HostFacts["docker"] {
  const { docker } = host("any");
  return docker && { ...docker, ...change };
}

export function criuOf(change: Partial<NonNullable<HostFacts["criu"]>>): HostFacts["criu"] {
  const { criu } = host("any");
  return criu && { ...criu, ...change };
}

export function container(change: Partial<ContainerFacts> = {}): ContainerFacts {
  return {
    id: "c".repeat(64),
    name: "looper",
    image: "busybox",
    imageId: "sha256:1",
    state: "running",
    running: true,
    runtime: "runc",
    memoryBytes: 1024 ** 2,
    copiedBytes: 0,
    shared: { memoryBytes: 0, hugeBytes: 0, tmpfsBytes: 0, lockedBytes: 0 },
    writableBytes: 1000,
    volumeBytes: 0,
    processes: 2,
    mounts: [],
    volumes: [],
    ports: [],
    networkMode: "bridge",
    networks: ["bridge"],
    networkFacts: [],
    logDriver: "json-file",
    restartPolicy: "no",
    autoRemove: false,
    privileged: false,
    tty: false,
    devices: [],
    gpus: [],
    pidMode: "",
    ipcMode: "private",
    namespaceSharers: [],
    joined: [],
    otherUsers: [],
    pinned: [],
    hugePages: [],
    unsupported: [],
    unrestorable: [],
    obstacles: [],
    execSessions: [],
    inspect: {},
    ...change,
  };
}

export function view(change: Partial<DestinationView> = {}): DestinationView {
  return {
    nameTaken: false,
    imagePresent: true,
    portsTaken: [],
    sysctlsMissing: [],
    appArmorMissing: null,
    networksMissing: [],
    networksDifferent: [],
    addressesRefused: [],
    binds: [],
    volumesPresent: [],
    ...change,
  };
}
