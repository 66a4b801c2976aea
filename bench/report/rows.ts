/** One run, as in latest.json. */
export interface Row {
  case: string;
  memoryMiB: number;
  /** 10^6 bytes a second; 0: idle. */
  dirtyMBs: number;
  /** null: not limited. */
  linkMbits: number | null;
  tool: string;
  mode: string;
  /** The longest pause that the program in the container saw across the move; null where nothing moves. */
  downtimeMs: number | null;
  /** The downtime that the tool reports; null or missing if it reports none. */
  reportedMs?: number | null;
  /** From the first command to the end of the last one. By then all memory has arrived and the original is gone. */
  totalS: number | null;
  /** Bytes as the tool counts them. If it does not count, as the hosts' interfaces count them. */
  wireBytes: number | null;
  /** The floor of the same program, measured in the same run of the bench; null in the rows of other tools. */
  floorMs: number | null;
  /** User and system time of both agents, without the programs that they started. */
  agentCpuS: number | null;
  /** Resident memory: the higher peak of the two agents during the run. */
  agentRssMiB: number | null;
  /** What both hosts sent, as their interfaces count it: with the headers of all layers. */
  interfaceBytes: number | null;
  /** User and system time of the programs that the agents started and that have ended: runc, CRIU, rsync. */
  childrenCpuS: number | null;
  /** The longest time that an agent's event loop was blocked; null if the agent does not report it. */
  agentLoopMs: number | null;
  /** User and system time of the programs of godwit in C that carry memory, in both hosts; null or missing if there are none. */
  helpersCpuS?: number | null;
  /** Their own memory: the higher peak of the two hosts. */
  helpersRssMiB?: number | null;
  /** The mode in which the move ended. */
  endMode?: string | null;
  /** By how much fewer pages the program wrote in a second of the rounds than in one before the move; 0.1 is a tenth. */
  slowDown?: number | null;
  /** Proportional memory of the container's processes, before and after the move; null or missing where nobody looks. */
  pssBeforeMiB?: number | null;
  pssAfterMiB?: number | null;
}

/** Replaces the rows of the cases `ran` by `fresh`; other rows stay. Sorted as in `names`; cases that are not in it come last. */
export function replaceRows(
  old: readonly Row[],
  ran: readonly string[],
  fresh: readonly Row[],
  names: readonly string[],
): Row[] {
  const place = (row: Row) => (names.includes(row.case) ? names.indexOf(row.case) : names.length);
  return [...old.filter((row) => !ran.includes(row.case)), ...fresh].sort((a, b) => place(a) - place(b));
}
