import { expect } from "vitest";
import type { MigrationResult } from "../../../../src/contract/migration.ts";
import { isFullRun } from "../../support/full-run.ts";
import type { TestLab } from "../../support/lab.ts";
import { stateOf } from "../../support/looper.ts";

export type LabMode = "precopy" | "postcopy" | "cold";
/** The modes of a container's moves, one after another. */
export interface Journey {
  name: string;
  modes: readonly LabMode[];
}

/** Five moves in a row find what one leaves behind for the next. */
const movesPerMode = isFullRun ? 5 : 1;
/** All moves in one mode. */
export const journeyIn = (mode: LabMode): Journey => ({ name: mode, modes: Array(movesPerMode).fill(mode) });
/** Pre-copy is that of hosts whose kernel tells which pages were written. */
export const eachMode = [journeyIn("precopy"), journeyIn("postcopy"), journeyIn("cold")];
/** The same moves; in a short run one container makes those of the modes that `auto` chooses. */
export const allModes: Journey[] = isFullRun
  ? eachMode
  : [{ name: "pre-copy and post-copy", modes: ["precopy", "postcopy"] }];

/** A slow machine hands over in seconds; rounds would go on and on for less. CRIU's rounds have nothing to verify, and say so. */
const limits = { precopy: ["--verify", "--downtime-limit", "60s"], postcopy: [], cold: [] };

export interface Moves {
  name: string;
  modes: readonly LabMode[];
  /** What must hold after each move, with the host that the container is on then. */
  after: (host: string) => Promise<unknown>;
}

/** Moves a container from h1 to h2 and back, and so on. @returns where it is in the end */
export async function moveBackAndForth(lab: TestLab, { name, modes, after }: Moves): Promise<string> {
  let [here, there] = ["h1", "h2"];
  for (const mode of modes) {
    const result = await lab.json<MigrationResult>(
      "migrate",
      `${here}/${name}`,
      there,
      "--mode",
      mode,
      ...limits[mode],
    );
    expect(result).toMatchObject({ mode, source: here, destination: there });
    expect(await stateOf(lab, here, name)).toBeUndefined();
    [here, there] = [there, here];
    await after(here);
  }
  return here;
}

/** A network on both hosts in which a container has an address of its own on the LAN, which it keeps when it moves. */
export async function makeLanNetwork(lab: TestLab): Promise<void> {
  const options = "-d macvlan -o parent=eth0 --subnet 10.88.0.0/24 --gateway 10.88.0.254";
  for (const host of ["h1", "h2"]) await lab.on(host, `docker network create ${options} lan`);
}

/** Far from the addresses of hosts. */
export const lanAddress = "10.88.0.77";
export const onLan = `--network lan --ip ${lanAddress}`;
