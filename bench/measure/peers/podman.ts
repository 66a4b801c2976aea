import type { Case } from "../../cases.ts";
import type { Run } from "../../run.ts";
import type { BenchLab } from "../bench-lab.ts";
import { copyFolder } from "../copy.ts";
import { moveInSteps } from "../move-in-steps.ts";
import { container } from "../ticker.ts";

/** The archive lies on a disk, as Podman's archives usually do. */
const folder = "/var/lib/containers/move";
const archive = `${folder}/archive.tar`;

/** Podman's own way: a checkpoint on h1, exported to an archive, a copy of the archive, and its import on h2. */
export function runPodman(lab: BenchLab, measured: Case): Promise<Run> {
  const compress = measured.mode === "uncompressed" ? "--compress none " : "";
  const exported = `mkdir -p ${folder} && podman container checkpoint ${compress}--export ${archive} ${container}`;
  return moveInSteps(lab, measured, async (step) => {
    await step("podman container checkpoint", "source", () => lab.on("h1", exported));
    await step("copy", "source", () => copyFolder(lab, folder, folder));
    const restore = () => lab.on("h2", `podman container restore --import ${archive}`);
    await step("podman container restore", "destination", restore);
  });
}
