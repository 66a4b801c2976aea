import { type LabShape, labs } from "../cases.ts";
import { type BenchLab, toolFolder } from "./bench-lab.ts";

const port = 7491;

/** Lets h1 tell its time; it ends with the lab. */
export async function tellTime(lab: BenchLab): Promise<void> {
  await lab.on("h1", `setsid ${toolFolder}/clock answer ${port} >/dev/null 2>&1 </dev/null &`);
}

/**
 * Sets the clock of h2 by that of h1, where they have clocks of their own. The program that is moved measures its pause by the
 * clocks of both. @returns within how many ms they are the same
 */
export async function alignClocks(lab: BenchLab): Promise<number> {
  const { kind }: LabShape = labs[lab.kind];
  if (kind === "namespace") return 0;
  const [, within] = (await lab.on("h2", `${toolFolder}/clock follow 10.88.0.1 ${port}`)).split(" ");
  return Number(within);
}
