import { describe, expect, test } from "vitest";
import { countsOn, expectConsecutive, startLooper } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { expectUnchanged } from "../support/unharmed.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);

describe("the destination refuses before anything is changed", () => {
  test("a name that is taken there, of a move and of a clone", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.godwit("lab", "image", "h2", "busybox");
    await lab.on("h2", "docker create --pull never --name looper busybox");
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code: "name-taken", exit: 4 });
    expect(await lab.refusal("clone", "h1/looper", "h2/looper")).toMatchObject({ code: "name-taken", exit: 4 });
    await expectUnchanged(lab, "looper");
  });

  test.each([
    ["a port that a process listens on", "-p 8099:80", "busybox nc -l -p 8099 >/dev/null 2>&1 & echo $!", "kill"],
    ["a volume of the same name", "-v data:/data", "docker volume create data", "docker volume rm"],
  ])("%s", async (_, flags, prepare, clean) => {
    await startLooper(lab, "h1", "looper", { flags });
    const made = await lab.on("h2", prepare);
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code: "preflight-failed", exit: 5 });
    await lab.on("h2", `${clean} ${made}`);
    await expectUnchanged(lab);
    await lab.on("h1", "docker rm -f -v looper; docker volume rm -f data");
  });

  test.each([
    ["a bind mount whose path is missing", "-v /srv/only-here:/mnt", "preflight-failed"],
    ["a network that is missing", "--network lonely", "preflight-failed"],
    ["process ids that are shared with the host", "--pid host", "unsupported-container"],
    ["a device of the host", "--device /dev/null:/dev/mine", "unsupported-container"],
  ])("%s", async (_, flags, code) => {
    await lab.on("h1", "docker network create lonely >/dev/null 2>&1 || true");
    await startLooper(lab, "h1", "looper", { flags });
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({ code, exit: 5 });
    await expectUnchanged(lab);
  });
});

describe("a container that moves with a warning", () => {
  test.each([["--rm"], ["--privileged"], ["--network host"]])("%s", async (flags) => {
    await startLooper(lab, "h1", "looper", { flags });
    const { warnings } = await lab.json<{ warnings: string[] }>("migrate", "h1/looper", "h2");
    expect(warnings).toHaveLength(1);
    expectConsecutive(await countsOn(lab, "h2", "looper"));
    expect(await lab.on("h1", "docker ps -aq")).toBe("");
  });
});

test.each([
  ["stopped", "docker stop -t 0 looper", "docker start looper"],
  ["paused", "docker pause looper", "docker unpause looper"],
])("a %s container is neither moved nor checkpointed, and the hint says what to do", async (_, stop, hint) => {
  await startLooper(lab, "h1", "looper");
  await lab.on("h1", stop);
  for (const call of [
    ["migrate", "h1/looper", "h2"],
    ["checkpoint", "create", "h1/looper"],
    ["clone", "h1/looper", "c2"],
  ])
    expect(await lab.refusal(...call)).toMatchObject({ code: "container-not-running", exit: 4, hint });
  expect(await lab.on("h2", "docker ps -aq")).toBe("");
});
test("a second move of the same container is refused, and names the first", async () => {
  await startLooper(lab, "h1", "looper");
  await lab.on("h1", "docker exec looper dd if=/dev/urandom of=/big bs=1000000 count=20");
  const moved = await lab.during(
    "sync",
    async () => {
      const [first] = (await lab.json<{ id: string; state: string }[]>("migration", "ls")).slice(-1);
      const refused = await lab.refusal("migrate", "h1/looper", "h2");
      expect(refused).toMatchObject({ code: "busy", exit: 4, message: expect.stringContaining(first?.id ?? "?") });
      await lab.json("migration", "set", first?.id ?? "", "--bandwidth", "unlimited");
    },
    ...["migrate", "h1/looper", "h2", "--bandwidth", "8mbit"],
  );
  expect(moved.status, moved.stderr).toBe(0);
});
