import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { isFullRun, testInFullRun } from "../support/full-run.ts";
import { countsOn, expectConsecutive, stateOf } from "../support/looper.ts";
import { errorOf } from "../support/running-move.ts";
import { useSharedLab } from "../support/shared-lab.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

/** A CRIU that dumps this needs a second or more, so that it can be stopped meanwhile. */
const manyProcesses =
  "for i in $(seq 60); do tail -f /dev/null & done; i=0; while :; do echo $i; i=$((i + 1)); sleep 0.05; done";

async function start(name: string): Promise<void> {
  await lab.on("h1", `docker run --pull never -d --name ${name} busybox sh -c '${manyProcesses}'`);
  await countsOn(lab, "h1", name);
}

/** Stops CRIU in its dump, as a hanging one stands, and lets it go on after `ms`. */
async function stopDump(ms: number, meanwhile: () => unknown = () => {}): Promise<void> {
  const dumping = "until grep -rqs 'Dumping task' --include=dump.log /run/godwit; do :; done";
  await lab.on("h1", `${dumping}; pkill -STOP -x criu`);
  await meanwhile();
  await delay(ms);
  await lab.on("h1", "pkill -CONT -x criu");
}

async function expectGoesOn(name: string): Promise<void> {
  expectConsecutive(await countsOn(lab, "h1", name, 10));
  expect(await stateOf(lab, "h2", name)).toBeUndefined();
  expect(await lab.on("h1", `docker exec ${name} sh -c 'ps | grep -c "root *tail"'`)).toBe("60");
}

test("a move that is cancelled while CRIU dumps: CRIU ends at once, and all processes run on", async () => {
  await start("cancelled");
  const cancel = ({ pid }: { pid: number }) => stopDump(500, () => process.kill(pid, "SIGINT"));
  const result = await lab.during("switchover", cancel, "migrate", "h1/cancelled", "h2", "--mode", "cold");
  expect(result.status).not.toBe(0);
  expect(errorOf(result)).toMatchObject({ code: "cancelled" });
  await expectGoesOn("cancelled");
  if (isFullRun) await lab.json("migrate", "h1/cancelled", "h2");
});

testInFullRun("a dump that makes no progress is ended, with that reason, and all processes run on", async () => {
  await start("hanging");
  const result = await lab.during(
    "switchover",
    () => stopDump(35_000),
    "migrate",
    "h1/hanging",
    "h2",
    "--mode",
    "cold",
  );
  expect(errorOf(result)).toMatchObject({
    code: "dump-failed",
    message: "CRIU's dump of the container was ended: it made no progress for 30 s.",
  });
  await expectGoesOn("hanging");
});
