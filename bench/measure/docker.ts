import type { Case } from "../cases.ts";
import type { Run } from "../run.ts";
import type { BenchLab } from "./bench-lab.ts";
import { copyFolder } from "./copy.ts";
import { container, gapAfterMove, startTicker, tickerArguments } from "./ticker.ts";
import { interfaceBytes } from "./usage.ts";

/** Docker's own checkpoint on h1, its folder copied, and a container that was made for it started from there on h2. */
export async function runDocker(lab: BenchLab, measured: Case): Promise<Run> {
  await startTicker(lab, measured);
  await lab.on("h2", `docker create --pull never --name ${container} bench /bin/ticker ${tickerArguments(measured)}`);
  const checkpoints = (host: string) =>
    lab.on(host, `echo /var/lib/docker/containers/$(docker inspect --format '{{.Id}}' ${container})/checkpoints`);
  const [there, here] = await Promise.all([checkpoints("h1"), checkpoints("h2")]);
  const before = await interfaceBytes(lab);
  const from = Date.now();
  const steps: Run["steps"] = [];
  const timed = async (name: string, work: () => Promise<unknown>, side: "source" | "destination" = "source") => {
    const begun = performance.now();
    await work();
    steps.push({ name, side, ms: performance.now() - begun, switchover: true });
  };
  await timed("docker checkpoint create", () => lab.on("h1", `docker checkpoint create ${container} move`));
  await timed("copy", () => copyFolder(lab, there, here));
  const start = () => lab.on("h2", `docker start --checkpoint move ${container}`);
  await timed("docker start --checkpoint", start, "destination");
  const totalS = (Date.now() - from) / 1000;
  const sent = (await interfaceBytes(lab)) - before;
  return { downtimeMs: await gapAfterMove(lab, from), totalS, wireBytes: sent, interfaceBytes: sent, steps };
}
