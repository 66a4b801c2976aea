/** One thing that the bench can measure. */
export interface Case {
  name: string;
  tool: Tool;
  /** For godwit, its mode. For other tools, how they are used. */
  mode: string;
  lab: LabName;
  /** Of all processes together. */
  memoryMiB: number;
  processes: number;
  /** What kind of memory it is; `forked`: one process filled it, and the others share it by copy-on-write. */
  memory?: MemoryKind;
  /** What the program rewrites, in 10^6 bytes a second; 0: idle. */
  dirtyMBs: number;
  /** The part of the memory that it rewrites; all of it, if not given. */
  hotMiB?: number;
  /** Whether PostgreSQL runs in the container, with shared buffers of `memoryMiB`, while clients write to it. */
  isPostgres?: boolean;
  /** More options for `godwit migrate`. */
  options?: string;
  /** Small files in the writable layer: their number, and how many of them are rewritten all the time. */
  files?: { count: number; changing: number };
  /** Size of a volume whose files do not change. */
  volumeMiB?: number;
  /** 10^6 bits a second; null: not limited. */
  linkMbits: number | null;
  /** The number of counted runs, if `--runs` is not given. */
  runs: number;
  /** Whether one uncounted run precedes them. */
  warmUp: boolean;
  /** About how long one run takes on two cores; for `--list`. */
  secondsPerRun: number;
}

export type MemoryKind = "private" | "shared" | "memfd" | "sysv" | "forked";
export type Tool = "godwit" | "floor" | "tls-stream" | "docker" | "podman";

export interface LabShape {
  kind: "namespace" | "vm";
  releases: string[];
  /** Debian packages for its hosts, beside the usual ones. */
  packages: string[];
  /** What runs the containers there. */
  engine: "docker" | "podman";
  /** Of each virtual machine. */
  memoryMiB?: number;
}

/** The labs, in the order in which they are used; one is up at a time. */
export const labs = {
  "docker-28": { kind: "namespace", releases: ["forky", "forky"], packages: [], engine: "docker" },
  "docker-26": { kind: "namespace", releases: ["trixie", "trixie"], packages: [], engine: "docker" },
  podman: { kind: "namespace", releases: ["trixie", "trixie"], packages: ["podman"], engine: "podman" },
  vm: { kind: "vm", releases: ["forky", "forky"], packages: [], engine: "docker", memoryMiB: 3072 },
} satisfies Record<string, LabShape>;
export type LabName = keyof typeof labs;

const sizes = [64, 1024, 4096];
const links = [null, 1000];

const suffix = (linkMbits: number | null) => (linkMbits === null ? "" : `-${linkMbits / 1000}g`);
const load = (dirtyMBs: number) => (dirtyMBs === 0 ? "idle" : String(dirtyMBs));

/** Seconds to send `memoryMiB` at `rate` MiB/s, or at the speed of the link if that is lower. */
const crossing = (memoryMiB: number, rate: number, linkMbits: number | null) =>
  memoryMiB / Math.min(rate, linkMbits === null ? Number.POSITIVE_INFINITY : linkMbits / 8.4);

function godwit(
  mode: string,
  memoryMiB: number,
  dirtyMBs: number,
  linkMbits: number | null,
  more: Partial<Case> = {},
): Case {
  return {
    name: `${mode}-${memoryMiB}-${load(dirtyMBs)}${suffix(linkMbits)}`,
    tool: "godwit",
    mode,
    lab: "docker-28",
    memoryMiB,
    processes: 1,
    dirtyMBs,
    linkMbits,
    runs: 5,
    warmUp: true,
    secondsPerRun: 6 + memoryMiB / 250 + crossing(memoryMiB, 60, linkMbits),
    ...more,
  };
}

const processes = (count: number, eachMiB: number) =>
  godwit("postcopy", count * eachMiB, 0, null, { name: `processes-${count}x${eachMiB}`, processes: count });

const files = (count: number, changing: number) =>
  godwit("postcopy", 64, 0, null, { name: `files-${count}`, files: { count, changing }, secondsPerRun: 30 });

const volume = (volumeMiB: number) =>
  godwit("postcopy", 64, 0, null, {
    ...{ name: `volume-${volumeMiB}`, volumeMiB, runs: 3, warmUp: false },
    secondsPerRun: 10 + volumeMiB / 60,
  });

/** Memory that is shared with other processes, or could be. */
const sharedMemory = (memory: MemoryKind, memoryMiB: number) =>
  godwit("auto", memoryMiB, 0, null, { name: `${memory}-${memoryMiB}`, memory });

/** A server that has loaded its program before it forks its workers. */
const prefork = (memoryMiB: number, workers: number) =>
  godwit("auto", memoryMiB, 0, null, {
    ...{ name: `prefork-${memoryMiB}`, memory: "forked", processes: workers + 1 },
    secondsPerRun: 15,
  });

/** Its rounds cannot converge: the same pages are written in each of them, so the rest follows after the resume. */
const hot = (memoryMiB: number, hotMiB: number) =>
  godwit("precopy", memoryMiB, 100, null, {
    ...{ name: `hot-${memoryMiB}`, hotMiB },
    options: "--downtime-limit 1ms --on-no-convergence postcopy",
  });

const postgres = (memoryMiB: number) =>
  godwit("auto", memoryMiB, 0, null, {
    ...{ name: `postgres-${memoryMiB}`, isPostgres: true },
    secondsPerRun: 40 + memoryMiB / 20,
  });

function floor(memoryMiB: number, count = 1, shape = String(memoryMiB)): Case {
  const secondsPerRun = 2 + memoryMiB / 500;
  const base = godwit("floor", memoryMiB, 0, null);
  return { ...base, name: `floor-${shape}`, tool: "floor", processes: count, secondsPerRun };
}

function tlsStream(memoryMiB: number, linkMbits: number | null): Case {
  const base = godwit("stream", memoryMiB, 0, linkMbits);
  const secondsPerRun = 1 + crossing(memoryMiB, 300, linkMbits);
  return { ...base, name: `tls-stream-${memoryMiB}${suffix(linkMbits)}`, tool: "tls-stream", secondsPerRun };
}

/** Docker 26's own checkpoint, copied and started. One of 4 GiB takes minutes. */
function docker(memoryMiB: number, runs: number): Case {
  const base = godwit("checkpoint", memoryMiB, 0, null);
  const secondsPerRun = 8 + memoryMiB / 12;
  const name = `docker-${memoryMiB}-idle`;
  return { ...base, name, tool: "docker", lab: "docker-26", runs, warmUp: false, secondsPerRun };
}

/** Podman's export, copied and imported: with its own compression, and without. */
function podman(mode: "zstd" | "uncompressed", memoryMiB: number, runs: number): Case {
  const base = godwit(mode, memoryMiB, 0, null);
  const secondsPerRun = 6 + memoryMiB / (mode === "zstd" ? 60 : 100);
  const name = `podman-${memoryMiB}-idle${mode === "zstd" ? "" : "-uncompressed"}`;
  return { ...base, name, tool: "podman", lab: "podman", runs, warmUp: false, secondsPerRun };
}

/** A case in virtual machines: their kernel tracks dirty memory, and everything takes several times as long there. */
const inVm = (base: Case): Case => ({
  ...base,
  name: `vm-${base.name}`,
  lab: "vm",
  runs: 3,
  secondsPerRun: base.secondsPerRun * 6,
});

export const cases: readonly Case[] = [
  ...sizes.flatMap((memoryMiB) =>
    links.flatMap((link) => [0, 20, 100].map((dirty) => godwit("postcopy", memoryMiB, dirty, link))),
  ),
  ...[0, 20, 100].map((dirty) => godwit("precopy", 1024, dirty, null)),
  godwit("precopy", 4096, 0, null),
  ...sizes.flatMap((memoryMiB) => links.map((link) => godwit("cold", memoryMiB, 0, link))),
  processes(64, 8),
  processes(1, 512),
  files(50_000, 100),
  volume(1024),
  volume(10_240),
  ...(["shared", "memfd", "sysv"] as const).flatMap((kind) => [16, 512].map((size) => sharedMemory(kind, size))),
  prefork(210, 6),
  hot(1024, 24),
  ...[16, 192, 2048].map(postgres),
  ...sizes.map((memoryMiB) => floor(memoryMiB)),
  floor(512, 64, "64x8"),
  floor(512, 1, "1x512"),
  ...sizes.flatMap((memoryMiB) => links.map((link) => tlsStream(memoryMiB, link))),
  docker(64, 5),
  docker(1024, 3),
  docker(4096, 1),
  ...(["uncompressed", "zstd"] as const).flatMap((mode) => [
    podman(mode, 64, 5),
    podman(mode, 1024, 3),
    podman(mode, 4096, 1),
  ]),
  inVm(floor(256)),
  inVm(godwit("postcopy", 256, 0, null)),
  ...[0, 20].map((dirty) => inVm(godwit("precopy", 256, dirty, null))),
];
