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
  /** What the tool says of it; null or missing where it says nothing. */
  reportedMs?: number | null;
  /** From the first command to the end of the last one: with all memory there, and the original gone. */
  totalS: number | null;
  /** As the tool counts it; where it does not count, as the interfaces of the hosts do. */
  wireBytes: number | null;
  /** Of the same program, measured in the same run of the bench; null on the rows of other tools. */
  floorMs: number | null;
  /** User and system time of both agents, without the programs that they started. */
  agentCpuS: number | null;
  /** The higher peak of the two agents during the run. */
  agentRssMiB: number | null;
  /** What both hosts sent, by the counters of their interfaces: with the headers of all layers. */
  interfaceBytes: number | null;
  /** User and system time of what the agents started and has ended: runc, CRIU, rsync. */
  childrenCpuS: number | null;
  /** The longest time for which an agent's event loop was blocked; null where the agent does not tell it. */
  agentLoopMs: number | null;
}

/** Rows of `fresh` instead of those of the same cases; the others stay. Sorted by the order of `names`, others last. */
export function replaceRows(
  old: readonly Row[],
  ran: readonly string[],
  fresh: readonly Row[],
  names: readonly string[],
): Row[] {
  const place = (row: Row) => (names.includes(row.case) ? names.indexOf(row.case) : names.length);
  return [...old.filter((row) => !ran.includes(row.case)), ...fresh].sort((a, b) => place(a) - place(b));
}
