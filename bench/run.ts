import type { Step } from "../src/contract/operations.ts";
import type { Row } from "./report/rows.ts";

/** What one run gave: the measured part of a row, and where its time went, if the tool says it. */
export type Run = Partial<
  Pick<
    Row,
    | "downtimeMs"
    | "reportedMs"
    | "totalS"
    | "wireBytes"
    | "floorMs"
    | "agentCpuS"
    | "agentRssMiB"
    | "interfaceBytes"
    | "childrenCpuS"
    | "agentLoopMs"
  >
> & { steps?: RunStep[] };

export type RunStep = Pick<Step, "name" | "side" | "ms" | "switchover">;
