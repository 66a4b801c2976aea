import { expect, test } from "vitest";
import { container, criuOf, host } from "../../../testing/host-facts.ts";
import type { PlainMode } from "../../contract/migration.ts";
import type { PlannedMove } from "../check.ts";
import { sharedMemory } from "./shared-memory.ts";

const shared = { memoryBytes: 200 * 2 ** 20, tmpfsBytes: 100 * 2 ** 20 };

/** What is said of a container between two hosts whose CRIU takes godwit's library, or does not. */
function said(mode: PlainMode, sharedApart: boolean, dirtyTracking = false): string | undefined {
  const [source, destination] = ["h1", "h2"].map((name) =>
    host(name, { pageScan: true, criu: criuOf({ sharedApart, dirtyTracking }) }),
  );
  return sharedMemory.run({ container: container({ shared }), source, destination, mode } as PlannedMove)[0]?.message;
}

test("a warning counts what goes under the freeze: shared memory only where CRIU sends it", () => {
  for (const mode of ["precopy", "postcopy"] as const) {
    expect(said(mode, false)).toContain("300 MiB of shared memory and tmpfs mounts");
    expect(said(mode, true)).toContain("100 MiB of tmpfs mounts");
  }
  expect(said("precopy", true, true)).toContain("300 MiB of shared memory");
});
