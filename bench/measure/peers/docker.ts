import type { Case } from "../../cases.ts";
import type { Run } from "../../run.ts";
import type { BenchLab } from "../bench-lab.ts";
import { copyFolder } from "../copy.ts";
import { moveInSteps } from "../move-in-steps.ts";
import { container, tickerArguments } from "../ticker.ts";

/** Docker's own way: a checkpoint on h1, a copy of its folder, and the start of a prepared container from it on h2. */
export async function runDocker(lab: BenchLab, measured: Case): Promise<Run> {
  await lab.on("h2", `docker create --pull never --name ${container} bench /bin/ticker ${tickerArguments(measured)}`);
  const here = await checkpoints(lab, "h2");
  return moveInSteps(lab, measured, async (step) => {
    const there = await checkpoints(lab, "h1");
    await step("docker checkpoint create", "source", () => lab.on("h1", `docker checkpoint create ${container} move`));
    await step("copy", "source", () => copyFolder(lab, there, here));
    const start = () => lab.on("h2", `docker start --checkpoint move ${container}`);
    await step("docker start --checkpoint", "destination", start);
  });
}

async function checkpoints(lab: BenchLab, host: string): Promise<string> {
  const id = await lab.on(host, `docker inspect --format '{{.Id}}' ${container}`);
  return `/var/lib/docker/containers/${id}/checkpoints`;
}
