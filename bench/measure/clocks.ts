import { type LabShape, labs } from "../cases.ts";
import { type BenchLab, toolFolder } from "./bench-lab.ts";

const port = 7491;

/** Starts the program that tells the time of h1. It runs until the lab goes down. */
export async function tellTime(lab: BenchLab): Promise<void> {
  await lab.on("h1", `setsid ${toolFolder}/clock answer ${port} >/dev/null 2>&1 </dev/null &`);
}

/**
 * Sets the clock of h2 to that of h1, if the hosts have clocks of their own (virtual machines): the moved program measures its
 * pause with both clocks. @returns the most by which they may still differ, in ms
 */
export async function alignClocks(lab: BenchLab): Promise<number> {
  const { kind }: LabShape = labs[lab.kind];
  if (kind === "namespace") return 0;
  const [, within] = (await lab.on("h2", `${toolFolder}/clock follow 10.88.0.1 ${port}`)).split(" ");
  return Number(within);
}
