import { describe, expect, test } from "vitest";
import type { Migration } from "../../src/contract/migration.ts";
import type { OperationEvent, Progress } from "../../src/contract/operations.ts";
import type { CliResult } from "./support/lab.ts";
import { countsOn, countsTo, expectConsecutive, startLooper, stateOf } from "./support/looper.ts";
import { useSharedLab } from "./support/shared-lab.ts";
import { eventually } from "./support/wait.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);

/** Counts, with so many megabytes that nothing can compress in its writable layer. */
async function startWithFiles(name: string, megabytes: number, flags = ""): Promise<void> {
  await startLooper(lab, "h1", name, { flags });
  await lab.on("h1", `docker exec ${name} sh -c 'head -c ${megabytes}000000 /dev/urandom >/big'`);
}

/** It runs on here, nothing of it is there, and the next move goes through. */
async function expectUnharmed(name: string): Promise<void> {
  expectConsecutive(await countsOn(lab, "h1", name, 2));
  const left =
    "docker ps -aq; docker volume ls -q; ls /var/lib/godwit/pending /run/godwit/images | grep -v '^/' || true";
  await eventually("nothing is left on h2", async () => (await lab.on("h2", left)).trim() === "" || undefined);
  expect(await lab.on("h1", "ls /run/godwit/images")).toBe("");
}

const progressOf = ({ stdout }: CliResult, phase: string): Progress[] =>
  stdout
    .split("\n")
    .map((line) => JSON.parse(line) as OperationEvent)
    .flatMap((event) => (event.body?.type === "progress" ? [event.body.progress] : []))
    .filter((progress) => progress.phase === phase);

/** By what one run tells of itself: the bytes against the time in which they went. */
function expectRate(all: Progress[], bytesPerSecond: number): [Progress, Progress] {
  // When the last byte has gone there may be more to do, without bytes.
  const whole = all.at(-1)?.bytesTransferred ?? 0;
  const [first, last] = [all[0], all.findLast(({ bytesTransferred }) => bytesTransferred < whole * 0.95)];
  if (!first || !last || last.elapsed - first.elapsed < 2000)
    throw new Error(`too few reports: ${JSON.stringify(all)}`);
  const seconds = (last.elapsed - first.elapsed) / 1000;
  const rate = (last.bytesTransferred - first.bytesTransferred) / seconds;
  expect(rate).toBeLessThan(bytesPerSecond * 1.1);
  expect(rate).toBeGreaterThan(bytesPerSecond * 0.8);
  if (rate < bytesPerSecond * 0.9) process.stdout.write(`only ${rate} of ${bytesPerSecond} bytes per second\n`);
  expect(all.length).toBeGreaterThan(seconds * 2);
  return [first, last];
}

const errorOf = ({ stdout }: CliResult) =>
  (JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { error?: { code: string; message: string; hint?: string } })
    .error;

const running = async (): Promise<Migration> => {
  const found = (await lab.json<Migration[]>("migration", "ls")).filter(({ state }) => state === "running");
  expect(found).toHaveLength(1);
  return found[0] as Migration;
};

/** Waits until bytes flow in the phase that has just begun. */
const bytesFlow = () =>
  eventually("bytes flow", async () => ((await running()).progress?.bytesTransferred ?? 0) > 0 || undefined);

describe("bandwidth", () => {
  test("is met by what is sent while the container runs, and the rest is told truly", async () => {
    await startWithFiles("paced", 28);
    const bytesPerSecond = 8_000_000;
    const moved = await lab.during("sync", bytesFlow, "migrate", "h1/paced", "h2", "--bandwidth", "64mbit");
    expect(moved.status, moved.stderr).toBe(0);
    const all = progressOf(moved, "sync");
    const [first] = expectRate(all, bytesPerSecond);
    expect(first.bytesTotal).toBeGreaterThanOrEqual(28_000_000);
    expect(all.at(-1)).toMatchObject({ bytesRemaining: 0, remaining: 0 });
    for (const { bytesTotal, bytesTransferred, bytesRemaining } of all) {
      expect(bytesRemaining).toBe(bytesTotal - bytesTransferred);
    }
    expectConsecutive(await countsOn(lab, "h2", "paced"));
  });

  test("is met by the memory that follows after the resume, apart from the rest", async () => {
    const fill =
      'for (i = 0; i < 300000; i++) held[i] = i " some words that nobody reads"; print "filled"; getline < "/fifo"';
    await lab.on(
      "h1",
      `docker run --pull never -d --name later busybox sh -c 'mkfifo /fifo; exec awk "$0"' 'BEGIN { ${fill} }'`,
    );
    await eventually(
      "it has its memory",
      async () => (await lab.on("h1", "docker logs later")) === "filled" || undefined,
    );
    const call = ["migrate", "h1/later", "h2", "--mode", "postcopy", "--drain-bandwidth", "40mbit"];
    const moved = await lab.godwit("--json", ...call);
    expect(moved.status, moved.stderr).toBe(0);
    expectRate(progressOf(moved, "drain"), 5_000_000);
  });

  test("can be changed while it runs; the list and the limits follow", async () => {
    await startWithFiles("hurried", 40);
    const hurry = async () => {
      await bytesFlow();
      const { id } = await running();
      const shown = await lab.json<Migration>("migration", "show", id.slice(0, 6));
      expect(shown).toMatchObject({
        ...{ id, container: "hurried", source: "h1", destination: "h2", phase: "sync", cancellable: true },
        settings: { downtimeLimitMs: 300, bandwidth: 1_000_000, drainBandwidth: null },
        progress: { phase: "sync" },
      });
      const rounds = await lab.refusal("migration", "switch", id);
      expect(rounds).toMatchObject({ code: "wrong-phase", exit: 4, message: expect.stringContaining("sync") });
      expect(
        await lab.json("migration", "set", id, "--bandwidth", "unlimited", "--downtime-limit", "2s"),
      ).toMatchObject({ settings: { downtimeLimitMs: 2000, bandwidth: null } });
    };
    const moved = await lab.during("sync", hurry, "migrate", "h1/hurried", "h2", "--bandwidth", "8mbit");
    expect(moved.status, moved.stderr).toBe(0);
    // At 1 MB/s it would take 40 s.
    const rates = progressOf(moved, "sync").map(({ bandwidth }) => bandwidth ?? 0);
    expect(Math.max(...rates)).toBeGreaterThan(3_000_000);
    const ended = (await lab.json<Migration[]>("migration", "ls")).at(-1);
    expect(ended).toMatchObject({ container: "hurried", state: "done", settings: { bandwidth: null } });
    for (const steer of [["set", "--bandwidth", "1gbit"], ["switch"], ["cancel"]]) {
      const refused = await lab.refusal("migration", ...steer, ended?.id ?? "");
      expect(refused).toMatchObject({ code: "wrong-phase", exit: 4, hint: expect.stringContaining("migration show") });
    }
    const { stdout } = await lab.godwit("migration", "watch", ended?.id ?? "");
    expect(stdout).toMatch(/sync: .* of .*\n[\s\S]*moved from h1 to h2[\s\S]*CRIU's own statistics/);
  });
});

describe("a cancel before the baton moves leaves the container running, and nothing of it on the destination", () => {
  const cancel = async () => {
    const { id, cancellable } = await running();
    expect(cancellable).toBe(true);
    await lab.json("migration", "cancel", id);
  };
  const expectCancelled = (result: CliResult) => {
    expect(errorOf(result)).toMatchObject({ code: "cancelled" });
    expect(result.status).toBe(8);
  };

  test("while an image is sent, while files are", async () => {
    await startWithFiles("early", 30);
    const limits = ["--bandwidth", "4mbit"];
    await lab.on("h2", "docker rmi -f busybox");
    const sent = async () => {
      await bytesFlow();
      await cancel();
    };
    expectCancelled(await lab.during("prepare", sent, "migrate", "h1/early", "h2", ...limits));
    await expectUnharmed("early");
    await lab.godwit("lab", "image", "h2", "busybox");
    expectCancelled(await lab.during("sync", sent, "migrate", "h1/early", "h2", ...limits));
    await expectUnharmed("early");
  });

  const cut =
    "table inet cut { chain input { type filter hook input priority 0; tcp dport 7480 drop; tcp sport 7480 drop; }; }";

  test.each([
    ["", "true"],
    [", and has been cut", `echo '${cut}' | nft -f -`],
  ])("while a slow link takes the memory of a frozen container%s", async (_, meanwhile) => {
    const memory = 'x=$(head -c 60000000 /dev/zero | tr "\\0" x)';
    const count = "i=0; while true; do echo $i; i=$(expr $i + 1); sleep 0.1; done";
    await lab.on("h1", `docker run --pull never -d --name slow busybox sh -c '${memory}; ${count}'`);
    await countsTo(lab, "h1", "slow", 3);
    await lab.on("h1", "tc qdisc add dev eth0 root tbf rate 16mbit burst 64k latency 400ms");
    const dumping = async () => {
      await eventually("the memory goes", async () => {
        const { progress } = await running();
        return (progress?.phase === "switchover" && progress.bytesTransferred > 0) || undefined;
      });
      await lab.on("h2", meanwhile);
      await cancel();
    };
    try {
      expectCancelled(await lab.during("switchover", dumping, "migrate", "h1/slow", "h2", "--mode", "cold"));
      expectConsecutive(await countsOn(lab, "h1", "slow", 2));
    } finally {
      await lab.on("h1", "tc qdisc del dev eth0 root");
      await lab.on("h2", "nft delete table inet cut 2>/dev/null || true");
    }
    await expectUnharmed("slow");
  });
});

describe("a container that ends by itself while its files are sent", () => {
  test.each([
    ["stays as it ended, with what it said", "", "exited"],
    ["is started anew by Docker, which is not the one that moved", "--restart always", "running"],
  ])("%s", async (_, flags, state) => {
    const script = "echo begun; while [ ! -e /stop ]; do sleep 0.1; done; rm /stop; echo ended; exit 7";
    await lab.on("h1", `docker run --pull never -d --name ends ${flags} busybox sh -c '${script}'`);
    await lab.on("h1", "docker exec ends sh -c 'head -c 30000000 /dev/urandom >/big'");
    const end = async () => {
      await bytesFlow();
      await lab.on("h1", "docker exec ends touch /stop");
    };
    const ended = await lab.during("sync", end, "migrate", "h1/ends", "h2", "--bandwidth", "4mbit");
    expect(errorOf(ended)).toMatchObject({
      code: "container-exited",
      message: "Container 'ends' exited with status 7 while it was being moved.",
    });
    expect(ended.status).toBe(7);
    expect((await lab.on("h1", "docker logs ends 2>&1")).split("\n").slice(0, 2)).toEqual(["begun", "ended"]);
    await eventually("Docker has seen to it", async () => (await stateOf(lab, "h1", "ends")) === state || undefined);
    if (state === "exited") expect(await lab.on("h1", "docker inspect -f '{{.State.ExitCode}}' ends")).toBe("7");
    expect(await lab.on("h2", "docker ps -aq; ls /run/godwit/images")).toBe("");
  });
});

describe("room that runs out on the destination in the middle", () => {
  test("for files: it says so, and the container runs on where it was", async () => {
    await startLooper(lab, "h1", "bulky", { flags: "-v data:/data" });
    await lab.on("h1", "docker exec bulky sh -c 'head -c 40000000 /dev/urandom >/data/big'");
    await lab.on("h2", "mount -t tmpfs -o size=20m none /var/lib/docker/volumes");
    try {
      expect(await lab.refusal("migrate", "h1/bulky", "h2")).toMatchObject({
        ...{ code: "no-space", exit: 5, message: "h2 has no space left for the volume 'data'." },
        hint: expect.stringContaining("docker system prune"),
      });
      await expectUnharmed("bulky");
    } finally {
      await lab.on("h2", "umount /var/lib/docker/volumes");
    }
    await lab.on("h1", "docker rm -f bulky; docker volume rm data");
  });
});
