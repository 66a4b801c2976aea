import type { Case } from "../cases.ts";
import type { Run } from "../run.ts";
import type { BenchLab } from "./bench-lab.ts";
import { sendStream } from "./link.ts";
import { interfaceBytes } from "./usage.ts";

/** Sends as many bytes as the case has memory, over one stream of the agents' own kind. A move's total time is compared with this. */
export async function runTlsStream(lab: BenchLab, measured: Case): Promise<Run> {
  const before = await interfaceBytes(lab);
  const totalS = await sendStream(lab, "tls", measured.memoryMiB);
  const sent = (await interfaceBytes(lab)) - before;
  return { totalS, wireBytes: sent, interfaceBytes: sent };
}
