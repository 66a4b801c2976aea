import { difference, type Figures, sumOf, type Value } from "./figures.ts";

const gibibyte = "1024-idle";

/** What moves of memory in rounds, of shared memory, and of real programs must reach. */
export function memoryTargets(figures: Figures): void {
  inRounds(figures);
  sharedMemory(figures);
  programs(figures);
  agents(figures);
}

function inRounds(figures: Figures): void {
  const goInRounds = figures.rows.filter((row) => row.mode === "precopy" && !row.case.startsWith("hot-"));
  for (const name of new Set(goInRounds.map((row) => row.case))) {
    const dirty = figures.of(name)[0]?.dirtyMBs ?? 0;
    const limit = dirty === 0 ? 1.15 : 1.5;
    figures.ratio(`downtime of \`${name}\` to the floor`, limit, figures.downtime(name), figures.floor(name));
    figures.ends(`rounds of \`${name}\` converge`, name, "precopy");
    const slowDown = figures.median(name, (row) => row.slowDown);
    // Emulation slows everything.
    if (!name.startsWith("vm-")) {
      figures.atMost(`slow-down of the program in the rounds of \`${name}\``, 15, "%", slowDown && slowDown * 100);
    }
    if (dirty <= 20) bytes(figures, name, dirty === 0 ? 1.03 : 1.3);
  }
  bytes(figures, "hot-1024", 1.1);
  figures.ends("`hot-1024` goes on as post-copy", "hot-1024", "postcopy");
}

const bytes = (figures: Figures, name: string, limit: number) =>
  figures.ratio(
    `bytes on the wire to memory, \`${name}\``,
    limit,
    figures.median(name, (row) => row.wireBytes),
    figures.memoryBytes(name),
  );

function sharedMemory(figures: Figures): void {
  const [small, large] = [figures.downtime("shared-16"), figures.downtime("shared-512")];
  figures.ratio("downtime of 512 MiB of shared anonymous memory to that of 16 MiB", 1.3, large, small);
  figures.ratio("the same to the floor", 1.3, large, figures.floor("shared-512"));
  for (const [kind, what] of [
    ["memfd", "of memfd"],
    ["sysv", "of a System V segment"],
  ]) {
    const downtime = figures.downtime(`${kind}-512`);
    const added = difference(downtime, figures.downtime(`${kind}-16`));
    // A second for each GiB.
    figures.atMost(`downtime that 512 MiB ${what} add to that of 16 MiB`, 500, "ms", added);
    figures.atMost("the same to the floor", 500, "ms", difference(downtime, figures.floor(`${kind}-512`)));
  }
}

function programs(figures: Figures): void {
  const names = ["postgres-16", "postgres-192", "postgres-2048"];
  const [small, , large] = names.map((name) => figures.downtime(name));
  figures.ratio("downtime of PostgreSQL with 2 GiB of shared buffers to that with 16 MB", 1.3, large, small);
  for (const name of names) {
    figures.ratio(`downtime of \`${name}\` to the floor`, 1.3, figures.downtime(name), figures.floor(name));
  }
  figures.ratio(
    "memory of a program with six forked workers, after a move to before",
    1.15,
    figures.median("prefork-210", (row) => row.pssAfterMiB),
    figures.median("prefork-210", (row) => row.pssBeforeMiB),
  );
}

function agents(figures: Figures): void {
  const cpu: Value = (row) => row.agentCpuS;
  const memory: Value = (row) => megabytes(row.agentRssMiB);
  for (const mode of ["precopy", "postcopy"]) {
    const large = `${mode}-4096-idle`;
    figures.atMost(`memory of an agent while it moves 4 GiB, ${mode}`, 200, "MB", figures.median(large, memory));
    const all = sumOf(memory, (row) => megabytes(row.helpersRssMiB));
    figures.atMost("the same with its helper programs", 200, "MB", figures.median(large, all));
    const name = `${mode}-${gibibyte}`;
    figures.atMost(`CPU of both agents for 1 GiB, ${mode}`, 2, "s", figures.median(name, cpu));
    const both = sumOf(cpu, (row) => row.helpersCpuS);
    figures.atMost("the same with their helper programs", 2, "s", figures.median(name, both));
  }
}

const megabytes = (mebibytes: number | null | undefined) =>
  mebibytes === null || mebibytes === undefined ? null : (mebibytes * 2 ** 20) / 1e6;
