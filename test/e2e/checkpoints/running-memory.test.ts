import { beforeAll, describe, expect, test } from "vitest";
import type { CheckpointRecord, CheckpointTaken } from "../../../src/contract/checkpoint.ts";
import type { OperationEvent } from "../../../src/contract/operations.ts";
import type { TestLab } from "../support/lab.ts";
import { makePrograms } from "../support/programs.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";
import { expectNothingLeft, startOf } from "./container-state.ts";

// The memory of a container is copied while it runs; only the last changes are under the freeze.
const lab = useSharedLab(["forky", "forky"]);
beforeAll(() => makePrograms(lab, "h1", ["agreeing"]));

const mebibyte = 2 ** 20;
/** Of each of three processes, which write to a quarter of it. */
const size = 48;

async function startAgreeing(): Promise<void> {
  await lab.on("h1", "docker run --pull never --rm -v data:/data busybox chmod 1777 /data");
  await lab.on("h1", `docker run --pull never -d --name agrees --user 1000 -v data:/data programs agreeing ${size} 2`);
  await agree(lab, "h1", "agrees");
}

/** All of its processes go on, and what they have is what they left. */
async function agree(lab: TestLab, host: string, name: string): Promise<void> {
  const steps = async () => {
    const said = await lab.on(host, `docker logs ${name} 2>&1`);
    expect(said).not.toContain("CORRUPT");
    expect(await lab.on(host, `docker top ${name} -o pid | tail -n +2 | wc -l`)).toBe("3");
    return said.match(/^step \d+$/gm)?.length ?? 0;
  };
  const before = await steps();
  await eventually(`${name} goes on on ${host}`, async () => (await steps()) > before + 2 || undefined);
}

/** godwit-memory has ended, and the kernel follows no writes any more: what the processes' mappings say. */
async function expectUntracked(name: string): Promise<void> {
  const tracked = `cat $(docker top ${name} -o pid | sed -n '2,$s|.*|/proc/&/smaps|p') | grep -c ' uw' || true`;
  expect((await lab.on("h1", tracked)).trim()).toBe("0");
  expect(await lab.on("h1", "pgrep -x godwit-memory || true")).toBe("");
  expect(await lab.on("h1", "mount | grep /run/godwit/images || true")).toBe("");
}

describe("a checkpoint of processes that write, share memory, and are not root's", () => {
  test("copies only the last changes under the freeze; memory and files agree after a rollback, a clone and a restore", async () => {
    await startAgreeing();
    const before = await startOf(lab, "agrees");
    const taken = await lab.json<CheckpointTaken>("checkpoint", "create", "h1/agrees", "cp");
    expect(taken.warnings).toEqual([]);
    expect(taken.memoryBytes).toBeGreaterThan(3 * size * mebibyte);
    // They write 2 MB in the time of a step of 2 ms, at most: the whole memory would be 144 MiB.
    expect(taken.frozenBytes).toBeGreaterThan(0);
    expect(taken.frozenBytes).toBeLessThan((3 * size * mebibyte) / 4);
    expect(await startOf(lab, "agrees")).toBe(before);
    await agree(lab, "h1", "agrees");
    await expectUntracked("agrees");
    await lab.json("rollback", "h1/agrees", "cp");
    await agree(lab, "h1", "agrees");
    await lab.json("clone", "h1/agrees@cp", "h2/twin");
    await agree(lab, "h2", "twin");
    await lab.on("h1", "docker rm -f agrees");
    await lab.json("restore", "h1/agrees", "cp");
    await agree(lab, "h1", "agrees");
    await expectNothingLeft(lab);
  });

  test("has CRIU's own images, with all memory: no restore needs godwit's library", async () => {
    await startAgreeing();
    await lab.json("checkpoint", "create", "h1/agrees", "cp");
    const listed = await lab.on("h1", "cd /var/lib/godwit/checkpoints/agrees/cp/images && stat -c '%n %s' *");
    const images = new Map(listed.split("\n").map((line) => line.split(" ") as [string, string]));
    const names = [...images.keys()];
    expect(names.filter((name) => /^pagemap-shmem-\d+\.img$/.test(name))).toHaveLength(2);
    expect(names.filter((name) => /^shared|\.new$/.test(name))).toEqual([]);
    const pages = names.filter((name) => /^pages-\d+\.img$/.test(name)).map((name) => Number(images.get(name)));
    // Of three processes, and what they share: 64 pages for each of them, without a name and in a memfd.
    expect(pages.filter((bytes) => bytes > size * mebibyte)).toHaveLength(3);
    expect(pages.filter((bytes) => bytes === 3 * 64 * 4096)).toHaveLength(2);
  });

  test("a clone of a running container goes the same way", async () => {
    await startAgreeing();
    const { status, stdout } = await lab.godwit("--json", "clone", "h1/agrees", "h2/sibling");
    expect(status, stdout.slice(-1000)).toBe(0);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Partial<OperationEvent>);
    const steps = events.flatMap(({ body }) => (body?.type === "step" ? [body.step.name] : []));
    expect(steps).toContain("copy memory");
    await agree(lab, "h1", "agrees");
    await agree(lab, "h2", "sibling");
    await expectUntracked("agrees");
  });
});

test("where a copy of its memory has no room, all of it is saved under the freeze, and the result says so", async () => {
  await startAgreeing();
  await lab.on("h1", "sed 's/^MemAvailable:.*/MemAvailable: 150000 kB/' /proc/meminfo >/root/meminfo");
  await lab.on("h1", "mount --bind /root/meminfo /proc/meminfo");
  try {
    const taken = await lab.json<CheckpointTaken>("checkpoint", "create", "h1/agrees", "cp");
    expect(taken.warnings).toEqual([
      expect.stringMatching(
        /^All memory of 'agrees' is saved while it stands still, because a copy of it needs .* free/,
      ),
    ]);
    expect(taken.frozenBytes).toBeNull();
  } finally {
    await lab.on("h1", "umount /proc/meminfo; rm /root/meminfo");
  }
  await agree(lab, "h1", "agrees");
  await lab.json("rollback", "h1/agrees", "cp");
  await agree(lab, "h1", "agrees");
});

test("with --stop CRIU saves all memory under the freeze, as older agents always did, and it can be restored", async () => {
  await startAgreeing();
  await lab.json("checkpoint", "create", "h1/agrees", "cp", "--stop");
  const record = await lab.json<CheckpointRecord>("checkpoint", "inspect", "h1/agrees", "cp");
  expect(record.frozenBytes).toBeNull();
  await lab.json("restore", "h1/agrees", "cp");
  await agree(lab, "h1", "agrees");
});
