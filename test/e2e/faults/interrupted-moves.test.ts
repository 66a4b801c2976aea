import { describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import type { CliResult } from "../support/lab.ts";
import { countsOn, countsTo, expectConsecutive, startLooper, stateOf } from "../support/looper.ts";
import { bytesFlow, errorOf, runningMove, startWithFiles } from "../support/running-move.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { expectMoveUndone, expectUnchanged } from "../support/unharmed.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);

describe("a move that ends before the destination holds the baton leaves the container running, and nothing of it on the destination", () => {
  const cancel = async () => {
    const { id, cancellable } = await runningMove(lab);
    expect(cancellable).toBe(true);
    await lab.json("migration", "cancel", id);
  };
  const expectCancelled = (result: CliResult) => {
    expect(errorOf(result)).toMatchObject({ code: "cancelled" });
    expect(result.status).toBe(8);
  };

  test("by a cancel while an image is sent, and while files are sent", async () => {
    await startWithFiles(lab, "early", 30);
    const limits = ["--bandwidth", "4mbit"];
    await lab.on("h2", "docker rmi -f busybox");
    const sent = async () => {
      await bytesFlow(lab);
      await cancel();
    };
    expectCancelled(await lab.during("prepare", sent, "migrate", "h1/early", "h2", ...limits));
    await expectMoveUndone(lab, "early");
    await lab.godwit("lab", "image", "h2", "busybox");
    expectCancelled(await lab.during("sync", sent, "migrate", "h1/early", "h2", ...limits));
    await expectMoveUndone(lab, "early");
  });

  const cut =
    "table inet cut { chain input { type filter hook input priority 0; tcp dport 7480 drop; tcp sport 7480 drop; }; }";

  const uncompressed = ["--mode", "cold", "--compress", "off"];
  const cutLink = `echo '${cut}' | nft -f -`;
  const cases: [string, string, boolean][] = [
    ["over a slow link", "true", true],
    ["over a link that is cut, and nobody cancels it", cutLink, false],
    ["over a link that is cut", cutLink, true],
  ];

  test.each(isFullRun ? cases : cases.slice(0, 2))(
    "while memory of the frozen container goes %s",
    async (_, meanwhile, isCancelled) => {
      const memory = 'x=$(head -c 60000000 /dev/zero | tr "\\0" x)';
      const count = "i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done";
      await lab.on("h1", `docker run --pull never -d --name slow busybox sh -c '${memory}; ${count}'`);
      await countsTo(lab, "h1", "slow", 3);
      await lab.on("h1", "tc qdisc add dev eth0 root tbf rate 16mbit burst 64k latency 400ms");
      const dumping = async () => {
        await eventually("the memory goes", async () => {
          const { progress } = await runningMove(lab);
          return (progress?.phase === "switchover" && progress.bytesTransferred > 0) || undefined;
        });
        await lab.on("h2", meanwhile);
        if (isCancelled) await cancel();
      };
      try {
        const ended = await lab.during("switchover", dumping, "migrate", "h1/slow", "h2", ...uncompressed);
        if (isCancelled) expectCancelled(ended);
        else
          expect(errorOf(ended)).toMatchObject({
            code: "transfer-failed",
            message: expect.stringContaining("h2 has not answered for 20 s"),
          });
        expectConsecutive(await countsOn(lab, "h1", "slow", 2));
      } finally {
        await lab.on("h1", "tc qdisc del dev eth0 root");
        await lab.on("h2", "nft delete table inet cut 2>/dev/null || true");
      }
      await expectMoveUndone(lab, "slow");
    },
  );
});

describe("a container that ends by itself while its files are sent", () => {
  test.each([
    ["stays stopped, with its exit status and its log", "", "exited"],
    ["is restarted by Docker on the source", "--restart always", "running"],
  ])("%s", async (_, flags, state) => {
    const script = "echo begun; while [ ! -e /stop ]; do sleep 0.1; done; rm /stop; echo ended; exit 7";
    await lab.on("h1", `docker run --pull never -d --name ends ${flags} busybox sh -c '${script}'`);
    await lab.on("h1", "docker exec ends dd if=/dev/urandom of=/big bs=1000000 count=30");
    const end = async () => {
      await bytesFlow(lab);
      await lab.on("h1", "docker exec ends touch /stop");
    };
    const ended = await lab.during("sync", end, "migrate", "h1/ends", "h2", "--bandwidth", "4mbit");
    expect(errorOf(ended)).toMatchObject({
      code: "container-exited",
      message: "Container 'ends' exited with status 7 while it was being moved.",
    });
    expect(ended.status).toBe(7);
    expect((await lab.on("h1", "docker logs ends 2>&1")).split("\n").slice(0, 2)).toEqual(["begun", "ended"]);
    await eventually(
      "Docker has acted on the exit",
      async () => (await stateOf(lab, "h1", "ends")) === state || undefined,
    );
    if (state === "exited") expect(await lab.on("h1", "docker inspect -f '{{.State.ExitCode}}' ends")).toBe("7");
    expect(await lab.on("h2", "docker ps -aq; ls /run/godwit/images")).toBe("");
  });
});

describe("a destination whose disk fills during the move", () => {
  test("is named in the error, and the container runs on where it was", async () => {
    await startLooper(lab, "h1", "bulky", { flags: "-v data:/data" });
    await lab.on("h1", "docker exec bulky dd if=/dev/urandom of=/data/big bs=1000000 count=40");
    await lab.on("h2", "mount -t tmpfs -o size=20m none /var/lib/docker/volumes");
    try {
      expect(await lab.refusal("migrate", "h1/bulky", "h2")).toMatchObject({
        ...{ code: "no-space", exit: 5, message: "h2 has no space left for the volume 'data'." },
        hint: expect.stringContaining("docker system prune"),
      });
      await expectMoveUndone(lab, "bulky");
    } finally {
      await lab.on("h2", "umount /var/lib/docker/volumes");
    }
    await lab.on("h1", "docker rm -f bulky; docker volume rm data");
  });
});

test.each(["prepare", "sync", "arm"])(
  "a move that is interrupted in the phase %s leaves everything as it was, and can be tried again",
  async (phase) => {
    await startLooper(lab, "h1", "looper");
    const cancelled = await lab.during(
      phase,
      async ({ pid }) => process.kill(pid, "SIGINT"),
      "migrate",
      "h1/looper",
      "h2",
    );
    expect(cancelled.status).toBe(8);
    await expectUnchanged(lab);
    expect((await lab.godwit("migrate", "h1/looper", "h2")).status).toBe(0);
  },
);
