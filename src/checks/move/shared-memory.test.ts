import { expect, test } from "vitest";
import { container, criuOf, host } from "../../../testing/host-facts.ts";
import type { PlainMode } from "../../contract/migration.ts";
import type { PlannedMove } from "../check.ts";
import { imagesRoom } from "./images-room.ts";
import { memoryRoom } from "./room.ts";
import { sharedMemory } from "./shared-memory.ts";

const shared = { memoryBytes: 200 * 2 ** 20, hugeBytes: 0, tmpfsBytes: 100 * 2 ** 20, lockedBytes: 0 };

/** What is said of a container between two hosts whose CRIU takes godwit's library, or does not. */
function planned(mode: PlainMode, sharedApart: boolean, hugeBytes = 0): PlannedMove {
  const [source, destination] = ["h1", "h2"].map((name) =>
    host(name, { pageScan: true, criu: criuOf({ sharedApart }) }),
  );
  return { container: container({ shared: { ...shared, hugeBytes } }), source, destination, mode } as PlannedMove;
}
const said = (mode: PlainMode, sharedApart: boolean, hugeBytes = 0) =>
  sharedMemory.run(planned(mode, sharedApart, hugeBytes))[0]?.message;
const needed = (mode: PlainMode, sharedApart: boolean) => imagesRoom.run(planned(mode, sharedApart))[0]?.message;

test("a warning counts what goes under the freeze: shared memory only where CRIU sends it", () => {
  for (const mode of ["precopy", "postcopy"] as const) {
    expect(said(mode, false)).toContain("300 MiB of shared memory and tmpfs mounts");
    expect(said(mode, true)).toContain("100 MiB of tmpfs mounts");
  }
  expect(said("postcopy", true, 50 * 2 ** 20)).toContain("150 MiB of huge pages and tmpfs mounts");
});

test("locked memory goes under the freeze, and its images take room on the source", () => {
  const move = planned("precopy", true);
  move.container.shared = { memoryBytes: 0, hugeBytes: 0, tmpfsBytes: 0, lockedBytes: 70 * 2 ** 20 };
  expect(sharedMemory.run(move)[0]?.message).toContain("70 MiB of locked memory are sent while");
  expect(imagesRoom.run(move)[0]?.message).toContain("images need 70 MiB");
});

test("images of shared memory take room on the source only where CRIU writes them", () => {
  for (const mode of ["precopy", "postcopy", "cold"] as const) {
    expect(needed(mode, false)).toContain("images need 300 MiB");
    expect(needed(mode, true)).toContain("images need 100 MiB");
  }
});

test("locked memory is on the destination once more than other memory: rounds bring it, and CRIU's images have it", () => {
  const needs = (lockedBytes: number) => {
    const move = planned("precopy", true);
    move.container = { ...move.container, memoryBytes: 400 * 2 ** 20, copiedBytes: 0 };
    move.container.shared = { memoryBytes: 0, hugeBytes: 0, tmpfsBytes: 0, lockedBytes };
    return memoryRoom.run(move)[0]?.message;
  };
  expect(needs(0)).toContain("the restore needs 864 MiB");
  expect(needs(100 * 2 ** 20)).toContain("the restore needs 964 MiB");
});
