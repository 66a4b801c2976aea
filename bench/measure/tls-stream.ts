import type { Case } from "../cases.ts";
import type { Run } from "../run.ts";
import type { BenchLab } from "./bench-lab.ts";
import { sendStream } from "./link.ts";
import { interfaceBytes } from "./usage.ts";

/** The same bytes over one stream of the agents' own kind: what a move's total time is compared with. */
export async function runTlsStream(lab: BenchLab, measured: Case): Promise<Run> {
  const before = await interfaceBytes(lab);
  const totalS = await sendStream(lab, "tls", measured.memoryMiB);
  const sent = (await interfaceBytes(lab)) - before;
  return { totalS, wireBytes: sent, interfaceBytes: sent };
}
