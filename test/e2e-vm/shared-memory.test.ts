import { beforeAll, expect, test } from "vitest";
import { makeOneProgram } from "../e2e/support/checked-memory.ts";
import { eventually } from "../e2e/support/wait.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab();
beforeAll(() => makeOneProgram(lab, "shared-memory"));

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
async function passes(host: string): Promise<number> {
  const said = await lab.on(host, "docker logs shares 2>&1");
  expect(said).not.toContain("CORRUPT");
  return said.match(/pass \d+/g)?.length ?? 0;
}
async function goesOn(host: string): Promise<void> {
  const before = await passes(host);
  await eventually("a whole check", async () => (await passes(host)) > before || undefined);
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
