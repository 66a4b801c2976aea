import type { Step } from "../src/contract/operations.ts";
import type { Row } from "./report/rows.ts";

/** The result of one run: the measured part of a row, and the steps if the tool reports them. */
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
    | "helpersCpuS"
    | "helpersRssMiB"
    | "endMode"
    | "slowDown"
    | "pssBeforeMiB"
    | "pssAfterMiB"
  >
> & { steps?: RunStep[] };

export type RunStep = Pick<Step, "name" | "side" | "ms" | "switchover">;
