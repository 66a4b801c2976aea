import { beforeAll, expect, test } from "vitest";
import { makeOneProgram } from "../e2e/support/checked-memory.ts";
import { eventually } from "../e2e/support/wait.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab();
beforeAll(async () => {
  for (const program of ["shared-memory", "prefork"]) await makeOneProgram(lab, program);
});

const mebibyte = 2 ** 20;
const size = 24;

const cgroupOf = (host: string, pid: string) =>
  lab.on(host, `echo /sys/fs/cgroup$(sed s/^0::// /proc/${pid}/cgroup)`).then((text) => text.trim());
const pidOf = (host: string) => lab.on(host, "docker inspect -f '{{.State.Pid}}' shares").then((text) => text.trim());
/** Bytes of shared memory that the kernel counts for the cgroup of a process. */
async function chargedBytes(host: string, pid: string): Promise<number> {
  const stat = await lab.on(host, `cat ${await cgroupOf(host, pid)}/memory.stat`);
  return Number(/^shmem (\d+)$/m.exec(stat)?.[1]);
}
async function passes(host: string, container: string): Promise<number> {
  const said = await lab.on(host, `docker logs ${container} 2>&1`);
  expect(said).not.toContain("CORRUPT");
  return said.match(/pass \d+/g)?.length ?? 0;
}
async function goesOn(host: string, container = "shares"): Promise<void> {
  const before = await passes(host, container);
  await eventually("a whole check", async () => (await passes(host, container)) > before || undefined);
}

test("the memory that processes share counts for their container's limit on the destination as well", async () => {
  const run = "docker run --pull never -d --name shares --memory 48m --memory-swap 48m shared-memory";
  await lab.on("h1", `${run} /shared-memory ${size}`);
  await goesOn("h1");
  expect(await chargedBytes("h1", await pidOf("h1"))).toBeGreaterThanOrEqual(size * mebibyte);
  // In this mode it does not go in CRIU's rounds, on a kernel that marks written pages.
  await lab.json("migrate", "h1/shares", "h2", "--mode", "postcopy", "--verify");
  await goesOn("h2");
  expect(await chargedBytes("h2", await pidOf("h2"))).toBeGreaterThanOrEqual(size * mebibyte);
  const agent = (await lab.on("h2", "cat /run/godwit/agent.pid")).trim();
  expect(await chargedBytes("h2", agent)).toBeLessThan((size / 8) * mebibyte);
  expect(await lab.on("h2", "docker inspect -f '{{.State.OOMKilled}}' shares")).toBe("false");
});

test.each(["precopy", "postcopy"])(
  "%s: what forked workers share by copy-on-write they share on the destination as well",
  async (mode) => {
    /** In KiB, by the kernel's count: a page that several processes map counts once. */
    const memoryOn = async (host: string) => {
      const pids = "docker top forks -eo pid | tail -n +2";
      const rollups = `for pid in $(${pids}); do cat /proc/$pid/smaps_rollup; done`;
      return Number(await lab.on(host, `${rollups} | awk '/^Pss:/ { all += $2 } END { print all }'`));
    };
    await lab.on("h1", "docker run --pull never -d --name forks --user 1000 prefork /prefork 32 4");
    await goesOn("h1", "forks");
    const before = await memoryOn("h1");
    await lab.json("migrate", "h1/forks", "h2", "--mode", mode, "--verify", "--downtime-limit", "60s");
    await goesOn("h2", "forks");
    expect((await memoryOn("h2")) / before).toBeLessThan(1.2);
    await lab.on("h2", "docker rm -f forks");
  },
);
