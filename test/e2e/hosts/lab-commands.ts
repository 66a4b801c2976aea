import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { mustGodwit, type TestLab } from "../support/lab.ts";

interface Status {
  hosts: { name: string; pid?: number; address: string; release: string; docker?: string }[];
}

export async function statusOf(lab: TestLab): Promise<Status> {
  const [status] = await lab.json<Status[]>("lab", "status");
  if (!status) throw new Error(`The lab ${lab.name} is not up.`);
  return status;
}

/** The inits of the hosts that are up, by name. */
export const inits = async (lab: TestLab) =>
  new Map((await statusOf(lab)).hosts.flatMap(({ name, pid }) => (pid ? [[name, pid] as const] : [])));

export const up = (lab: TestLab, ...options: string[]) => mustGodwit(lab, "lab", "up", ...options);
export const down = (lab: TestLab) => mustGodwit(lab, "lab", "down");
export const imageOn = async (lab: TestLab, host: string, image: string) =>
  (await lab.json<{ id: string }>("lab", "image", host, image)).id;

/** What a lab could leave behind on the machine. */
export const traces = () => ({
  mounts: readFileSync("/proc/self/mountinfo", "utf8"),
  links: readdirSync("/sys/class/net").sort(),
});

/** Living processes that belong to a lab, by their cgroup or by what they were started with. */
export function processesOf(lab: string): string[] {
  const read = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => !read(`/proc/${pid}/stat`).includes(") Z "))
    .filter((pid) => `${read(`/proc/${pid}/cgroup`)}${read(`/proc/${pid}/cmdline`)}`.includes(`-${lab}-`));
}

/** The folder and the cgroups of a lab. */
export const foldersOf = (lab: string) =>
  [
    join(process.env.GODWIT_LAB_DIR ?? "/var/lib/godwit-lab", "labs", lab),
    ...globSync([`/sys/fs/cgroup/*-${lab}-*`, `/sys/fs/cgroup/*/*-${lab}-*`]),
  ].filter((folder) => existsSync(folder));

export function expectNothingLeft(lab: TestLab, before: ReturnType<typeof traces>): void {
  expect(traces()).toEqual(before);
  expect(foldersOf(lab.name)).toEqual([]);
  expect(processesOf(lab.name)).toEqual([]);
}
