import type { Details } from "./details.ts";
import type { Row } from "./rows.ts";
import { spreadOf } from "./statistics.ts";

export interface Target {
  what: string;
  limit: string;
  value: string;
  met: boolean;
}

/** godwit's targets: those for which `rows` has the cases. Medians are compared. */
export function targets(rows: readonly Row[], { labs }: Details): Target[] {
  const found: Target[] = [];
  const median = (name: string, value: (row: Row) => number | null) =>
    spreadOf(rows.filter((row) => row.case === name).map(value))?.median;
  const downtime = (name: string) => median(name, (row) => row.downtimeMs);
  const ratio = (what: string, limit: number, part: number | undefined, whole: number | undefined) => {
    if (part === undefined || whole === undefined) return;
    const value = part / whole;
    found.push({
      what,
      limit: `≤ ${limit.toFixed(limit < 0.1 ? 4 : 2)}`,
      value: value.toFixed(limit < 0.1 ? 4 : 2),
      met: value <= limit,
    });
  };
  const least = (what: string, limit: number, unit: string, value: number | undefined) => {
    if (value === undefined) return;
    found.push({
      what,
      limit: `≤ ${limit} ${unit}`,
      value: `${value.toFixed(unit === "s" ? 1 : 0)} ${unit}`,
      met: value <= limit,
    });
  };

  const gibibyte = "postcopy-1024-idle";
  ratio(
    "downtime of post-copy at 1 GiB, idle, to the floor",
    1.25,
    downtime(gibibyte),
    median(gibibyte, (row) => row.floorMs),
  );
  ratio(
    "the same to Podman's, without compression",
    1 / 25,
    downtime(gibibyte),
    downtime("podman-1024-idle-uncompressed"),
  );
  ratio("the same to Podman's", 1 / 25, downtime(gibibyte), downtime("podman-1024-idle"));
  ratio("the same to Docker's", 1 / 150, downtime(gibibyte), downtime("docker-1024-idle"));
  ratio("downtime at 4 GiB to that at 64 MiB", 1.3, downtime("postcopy-4096-idle"), downtime("postcopy-64-idle"));
  ratio(
    "downtime of 64 processes of 8 MiB to that of one of 512 MiB",
    2,
    downtime("processes-64x8"),
    downtime("processes-1x512"),
  );
  const [few, many] = [downtime("postcopy-64-idle"), downtime("files-50000")];
  if (few !== undefined && many !== undefined)
    least("downtime that 50,000 files add, 100 of them changed", 150, "ms", many - few);
  ratio(
    "downtime with 10 GiB of unchanged volume to that with 1 GiB",
    1.25,
    downtime("volume-10240"),
    downtime("volume-1024"),
  );
  const stream = median("tls-stream-1024", (row) => row.totalS);
  if (stream !== undefined) {
    const limit = Number((1.5 * stream + 2).toFixed(1));
    least(
      `total of post-copy at 1 GiB, idle, where one TLS stream takes ${stream.toFixed(1)} s`,
      limit,
      "s",
      median(gibibyte, (row) => row.totalS),
    );
  }
  const resident = (name: string) => median(name, (row) => row.memoryMiB * 2 ** 20);
  for (const memory of [64, 1024, 4096]) {
    const name = `postcopy-${memory}-idle`;
    ratio(
      `bytes on the wire to memory, post-copy at ${memory} MiB`,
      1.02,
      median(name, (row) => row.wireBytes),
      resident(name),
    );
  }
  const carried = median(gibibyte, (row) => row.interfaceBytes);
  ratio(
    "what the interfaces carried to what godwit counts",
    1.05,
    carried,
    median(gibibyte, (row) => row.wireBytes),
  );
  least("downtime of 1 GiB while 100 MB/s are dirtied, over 1 Gbit/s", 500, "ms", downtime("postcopy-1024-100-1g"));
  least("downtime of 4 GiB while 100 MB/s are dirtied, over 1 Gbit/s", 500, "ms", downtime("postcopy-4096-100-1g"));
  for (const name of new Set(rows.filter((row) => row.mode === "precopy").map((row) => row.case))) {
    const dirty = rows.find((row) => row.case === name)?.dirtyMBs ?? 0;
    ratio(
      `downtime of \`${name}\` to the floor`,
      1.5,
      downtime(name),
      median(name, (row) => row.floorMs),
    );
    if (dirty > 20) continue;
    ratio(
      `bytes on the wire to memory, \`${name}\``,
      dirty === 0 ? 1.05 : 1.4,
      median(name, (row) => row.wireBytes),
      resident(name),
    );
  }
  const idle = spreadOf(Object.values(labs).map(({ idleAgentMiB }) => idleAgentMiB));
  least("memory of an agent, idle", 120, "MiB", idle?.max);
  least(
    "memory of an agent while it moves 4 GiB",
    250,
    "MiB",
    median("postcopy-4096-idle", (row) => row.agentRssMiB),
  );
  // Emulation slows everything: such a case shows nothing about the agent.
  const real = rows.filter((row) => !row.case.startsWith("vm-"));
  least("longest block of an agent's event loop", 50, "ms", spreadOf(real.map((row) => row.agentLoopMs))?.max);
  return found;
}
