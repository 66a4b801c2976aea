import { type BenchLab, hosts, toolFolder } from "./bench-lab.ts";
import { container } from "./ticker.ts";

/** What the agents and the interfaces of both hosts used since `startUsage`: sums, but for memory the higher peak of the two hosts. */
export interface Usage {
  agentCpuS: number;
  childrenCpuS: number;
  agentRssMiB: number;
  interfaceBytes: number;
  /** Of the programs in C that carry memory. What of it belongs to children of an agent is in `childrenCpuS` too. */
  helpersCpuS: number;
  helpersRssMiB: number;
}

/** Their names begin with this; the agent's does not. */
const helperNames = "godwit-";
const helpersFile = "/run/bench-helpers";

const ticksPerSecond = 100;

/** Resets the peaks of the agents' memory. @returns a function that reads the usage since then; it throws if an agent has ended */
export async function startUsage(lab: BenchLab): Promise<() => Promise<Usage>> {
  await Promise.all(hosts.map((host) => lab.on(host, "echo 5 >/proc/$(cat /run/godwit/agent.pid)/clear_refs")));
  await Promise.all(hosts.map((host) => startHelperUsage(lab, host)));
  const before = await readAll(lab);
  return async () => {
    const after = await readAll(lab);
    const helpers = await Promise.all(hosts.map((host) => endHelperUsage(lab, host)));
    const both = (one: (usage: Counters) => number) =>
      after.reduce((sum, usage, i) => sum + one(usage) - (before[i] ? one(before[i]) : 0), 0);
    if (after.some(({ pid }, i) => pid !== before[i]?.pid)) throw new Error("An agent ended during the run.");
    return {
      agentCpuS: both(({ ticks }) => ticks) / ticksPerSecond,
      childrenCpuS: both(({ childrenTicks }) => childrenTicks) / ticksPerSecond,
      agentRssMiB: Math.max(...after.map(({ peakKiB }) => peakKiB)) / 1024,
      interfaceBytes: both(({ sentBytes }) => sentBytes),
      helpersCpuS: helpers.reduce((sum, { cpuS }) => sum + cpuS, 0),
      helpersRssMiB: Math.max(...helpers.map(({ memoryKiB }) => memoryKiB)) / 1024,
    };
  };
}

/** Starts the program that looks at the helpers. It runs until its use is asked for, or the lab goes down. */
const startHelperUsage = (lab: BenchLab, host: string): Promise<string> =>
  lab.on(
    host,
    `[ ! -e ${helpersFile}.pid ] || kill $(cat ${helpersFile}.pid) 2>/dev/null
    setsid ${toolFolder}/helpers ${helperNames} >${helpersFile} 2>&1 </dev/null & echo $! >${helpersFile}.pid`,
  );

async function endHelperUsage(lab: BenchLab, host: string): Promise<{ cpuS: number; memoryKiB: number }> {
  const end = `kill $(cat ${helpersFile}.pid)`;
  const wait = `for _ in $(seq 50); do grep -q memory ${helpersFile} && break; sleep 0.1; done; cat ${helpersFile}`;
  return readHelperUsage(await lab.on(host, `${end} && ${wait}`));
}

/** What the program helpers has printed. */
export function readHelperUsage(printed: string): { cpuS: number; memoryKiB: number } {
  const [, cpu, memory] = /^cpu ([\d.]+)\nmemory (\d+)$/.exec(printed) ?? [];
  if (cpu === undefined) throw new Error(`The output of helpers is not known: ${printed}`);
  return { cpuS: Number(cpu), memoryKiB: Number(memory) };
}

/** Resident memory of the larger one of the two agents, in MiB. */
export async function residentMiB(lab: BenchLab): Promise<number> {
  const all = await readAll(lab);
  return Math.max(...all.map(({ residentKiB }) => residentKiB)) / 1024;
}

/** The proportional memory of all processes of the container, in MiB: a page that n of them share counts n times 1/n. */
export async function proportionalMiB(lab: BenchLab, host: string): Promise<number> {
  const group = `/sys/fs/cgroup/docker/$(docker inspect --format '{{.Id}}' ${container})`;
  const sum = "awk '/^Pss:/ { sum += $2 } END { print sum }'";
  return Number(await lab.on(host, `${sum} $(sed 's#.*#/proc/&/smaps_rollup#' ${group}/cgroup.procs)`)) / 1024;
}

/** The sum of what both hosts have sent since they came up. */
export async function interfaceBytes(lab: BenchLab): Promise<number> {
  const sent = await Promise.all(hosts.map((host) => lab.on(host, "cat /sys/class/net/eth0/statistics/tx_bytes")));
  return sent.reduce((sum, bytes) => sum + Number(bytes), 0);
}

interface Counters {
  pid: string;
  ticks: number;
  childrenTicks: number;
  peakKiB: number;
  residentKiB: number;
  sentBytes: number;
}

const readAll = (lab: BenchLab): Promise<Counters[]> => Promise.all(hosts.map((host) => read(lab, host)));

async function read(lab: BenchLab, host: string): Promise<Counters> {
  const script = `p=$(cat /run/godwit/agent.pid); cat /proc/$p/stat /sys/class/net/eth0/statistics/tx_bytes; grep -E 'VmHWM|VmRSS' /proc/$p/status`;
  const [stat = "", sent = "", ...status] = (await lab.on(host, script)).split("\n");
  // Fields 14 to 17 of the line. The command's name, which comes before them, may contain anything, so it is cut off first.
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  const kibibytes = (name: string) => Number(status.find((line) => line.startsWith(name))?.match(/\d+/)?.[0] ?? 0);
  return {
    pid: stat.split(" ")[0] ?? "",
    ticks: user + system,
    childrenTicks: childrenUser + childrenSystem,
    peakKiB: kibibytes("VmHWM"),
    residentKiB: kibibytes("VmRSS"),
    sentBytes: Number(sent),
  };
}
