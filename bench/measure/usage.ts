import { type BenchLab, hosts } from "./bench-lab.ts";

/** What the agents and the interfaces of both hosts used since `startUsage`: sums, but for memory the higher peak of the two agents. */
export interface Usage {
  agentCpuS: number;
  childrenCpuS: number;
  agentRssMiB: number;
  interfaceBytes: number;
}

const ticksPerSecond = 100;

/** Resets the peaks of the agents' memory. @returns a function that reads the usage since then; it throws if an agent has ended */
export async function startUsage(lab: BenchLab): Promise<() => Promise<Usage>> {
  await Promise.all(hosts.map((host) => lab.on(host, "echo 5 >/proc/$(cat /run/godwit/agent.pid)/clear_refs")));
  const before = await readAll(lab);
  return async () => {
    const after = await readAll(lab);
    const both = (one: (usage: Counters) => number) =>
      after.reduce((sum, usage, i) => sum + one(usage) - (before[i] ? one(before[i]) : 0), 0);
    if (after.some(({ pid }, i) => pid !== before[i]?.pid)) throw new Error("An agent ended during the run.");
    return {
      agentCpuS: both(({ ticks }) => ticks) / ticksPerSecond,
      childrenCpuS: both(({ childrenTicks }) => childrenTicks) / ticksPerSecond,
      agentRssMiB: Math.max(...after.map(({ peakKiB }) => peakKiB)) / 1024,
      interfaceBytes: both(({ sentBytes }) => sentBytes),
    };
  };
}

/** Resident memory of the larger one of the two agents, in MiB. */
export async function residentMiB(lab: BenchLab): Promise<number> {
  const all = await readAll(lab);
  return Math.max(...all.map(({ residentKiB }) => residentKiB)) / 1024;
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
