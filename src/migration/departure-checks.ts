import type { ContainerFacts, HostFacts, Verdict } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";
import { imagesOnSource } from "./image-room.ts";
import { bytes } from "./units.ts";
import { fail, ok } from "./verdict.ts";

/** Whether the source has room for what CRIU writes there before it is sent. */
export function departureChecks(container: ContainerFacts, { memory }: HostFacts, mode: Mode): Verdict[] {
  const needed = imagesOnSource(container.shared, mode);
  const have = `${bytes(memory.availableBytes)} of memory free`;
  if (memory.availableBytes >= needed) return [ok("images-room", `${have}, ${bytes(needed)} needed for images`)];
  const cold = memory.availableBytes >= imagesOnSource(container.shared, "cold") ? ", or use --mode cold" : "";
  return [
    fail(
      "images-room",
      "no-space",
      `${have}, and ${bytes(needed)} are needed for the images of shared memory and of tmpfs mounts`,
      `free ${bytes(needed - memory.availableBytes)} of memory${cold}`,
    ),
  ];
}
