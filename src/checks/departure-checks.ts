import type { ContainerFacts, HostFacts, Verdict } from "../contract/facts.ts";
import type { Mode } from "../contract/migration.ts";
import { bytes } from "../contract/units.ts";
import { imagesOnSource } from "./image-room.ts";
import { fail, ok, warn } from "./verdict.ts";

/** Less goes over any link within a second or so. */
const quickBytes = 64 * 2 ** 20;

/** In no mode do these follow after the resume, nor before it; cold mode has all memory in its gap. */
function longGap({ shared }: ContainerFacts, mode: Mode): Verdict[] {
  const held = shared.memoryBytes + shared.tmpfsBytes;
  if (mode === "cold" || held < quickBytes) return [];
  const what = `${bytes(held)} of shared memory and tmpfs mounts are sent while it stands still`;
  return [warn("shared-memory", what, "choose a time when a longer stop does no harm")];
}

/** Whether the source has room for what CRIU writes there before it is sent. */
export function departureChecks(container: ContainerFacts, { memory }: HostFacts, mode: Mode): Verdict[] {
  const needed = imagesOnSource(container.shared, mode);
  const have = `${bytes(memory.availableBytes)} of memory free`;
  if (memory.availableBytes >= needed)
    return [ok("images-room", `${have}, ${bytes(needed)} needed for images`), ...longGap(container, mode)];
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
