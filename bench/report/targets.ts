import type { Details } from "./details.ts";
import { difference, Figures, type Target } from "./figures.ts";
import { memoryTargets } from "./memory-targets.ts";
import type { Row } from "./rows.ts";
import { spreadOf } from "./statistics.ts";

const gibibyte = "postcopy-1024-idle";

/** godwit's targets: those for which `rows` has the cases. Medians are compared. */
export function targets(rows: readonly Row[], { labs }: Details): Target[] {
  const figures = new Figures(rows);
  downtimes(figures);
  totals(figures);
  bytes(figures);
  memoryTargets(figures);
  const idle = spreadOf(Object.values(labs).map(({ idleAgentMiB }) => idleAgentMiB));
  figures.atMost("memory of an agent, idle", 120, "MiB", idle?.max);
  // Emulation slows everything: such a case shows nothing about the agent.
  const real = rows.filter((row) => !row.case.startsWith("vm-"));
  figures.atMost("longest block of an agent's event loop", 50, "ms", spreadOf(real.map((row) => row.agentLoopMs))?.max);
  return figures.targets;
}

function downtimes(figures: Figures): void {
  const of = (name: string) => figures.downtime(name);
  figures.ratio("downtime of post-copy at 1 GiB, idle, to the floor", 1.25, of(gibibyte), figures.floor(gibibyte));
  figures.ratio("the same to Podman's, without compression", 1 / 25, of(gibibyte), of("podman-1024-idle-uncompressed"));
  figures.ratio("the same to Podman's", 1 / 25, of(gibibyte), of("podman-1024-idle"));
  figures.ratio("the same to Docker's", 1 / 150, of(gibibyte), of("docker-1024-idle"));
  figures.ratio("downtime at 4 GiB to that at 64 MiB", 1.3, of("postcopy-4096-idle"), of("postcopy-64-idle"));
  const many = "downtime of 64 processes of 8 MiB to that of one of 512 MiB";
  figures.ratio(many, 2, of("processes-64x8"), of("processes-1x512"));
  const added = difference(of("files-50000"), of("postcopy-64-idle"));
  figures.atMost("downtime that 50,000 files add, 100 of them changed", 150, "ms", added);
  const volumes = "downtime with 10 GiB of unchanged volume to that with 1 GiB";
  figures.ratio(volumes, 1.25, of("volume-10240"), of("volume-1024"));
  for (const size of [1, 4]) {
    const what = `downtime of ${size} GiB while 100 MB/s are dirtied, over 1 Gbit/s`;
    figures.atMost(what, 500, "ms", of(`postcopy-${size * 1024}-100-1g`));
  }
}

function totals(figures: Figures): void {
  const stream = figures.median("tls-stream-1024", (row) => row.totalS);
  if (stream === undefined) return;
  const limit = Number((1.5 * stream + 2).toFixed(1));
  for (const [mode, name] of [
    ["post-copy", gibibyte],
    ["pre-copy", "precopy-1024-idle"],
  ] as const) {
    const total = figures.median(name, (row) => row.totalS);
    const what = `total of ${mode} at 1 GiB, idle, where one TLS stream takes ${stream.toFixed(1)} s`;
    figures.atMost(what, limit, "s", total);
  }
}

function bytes(figures: Figures): void {
  const sent = (name: string) => figures.median(name, (row) => row.wireBytes);
  for (const memory of [64, 1024, 4096]) {
    const name = `postcopy-${memory}-idle`;
    const what = `bytes on the wire to memory, post-copy at ${memory} MiB`;
    figures.ratio(what, 1.02, sent(name), figures.memoryBytes(name));
  }
  const carried = figures.median(gibibyte, (row) => row.interfaceBytes);
  figures.ratio("what the interfaces carried to what godwit counts", 1.05, carried, sent(gibibyte));
}
