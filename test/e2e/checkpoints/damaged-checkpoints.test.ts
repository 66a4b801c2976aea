import { describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { countsOn, expectConsecutive, startLooper, stateOf } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { expectNothingLeft, startOf } from "./container-state.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);
const store = (name: string) => `/var/lib/godwit/checkpoints/looper/${name}`;

describe("a damaged checkpoint is refused before anything is stopped, and the file is named", () => {
  const damages: [string, string, string][] = [
    ["cut short", "truncate -s -1000 FILE", "images/pages-1.img has"],
    [
      "with one byte flipped",
      "printf '\\377' | dd of=FILE bs=1 seek=9000 conv=notrunc",
      "images/pages-1.img is not as",
    ],
    ["with a fifo as its manifest", `cd ${store("cp")} && rm manifest.json && mkfifo manifest.json`, "manifest"],
  ];
  // src/checkpoint/manifest.test.ts finds these in every run.
  const more: [string, string, string][] = [
    ["empty", "truncate -s 0 FILE", "images/pages-1.img has 0 bytes"],
    ["without a file", "rm FILE", "images/pages-1.img is missing"],
    [
      "copied by hand",
      `cd ${store("cp")}/.. && tar -cf /root/cp.tar cp && rm -r cp && tar -xf /root/cp.tar`,
      "(its time)",
    ],
    ["without its manifest", `rm ${store("cp")}/manifest.json`, "manifest is missing"],
  ];
  test.each(isFullRun ? [...damages, ...more] : damages)("%s", async (_, damage, says) => {
    await startLooper(lab, "h1", "looper", { flags: "-v data:/data" });
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.on("h1", damage.replaceAll("FILE", `${store("cp")}/images/pages-1.img`));
    const before = await startOf(lab, "looper");
    const refusal = { code: "invalid-checkpoint", exit: 5, message: expect.stringContaining(says) };
    expect(await lab.refusal("rollback", "h1/looper", "cp")).toMatchObject(refusal);
    expect(await lab.refusal("clone", "h1/looper@cp", "twin")).toMatchObject(refusal);
    expect(await lab.refusal("clone", "h1/looper@cp", "h2/twin")).toMatchObject(refusal);
    expect(await startOf(lab, "looper")).toBe(before);
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    expect(await stateOf(lab, "h2", "twin")).toBeUndefined();
    await lab.on("h1", "docker stop -t 0 looper");
    expect(await lab.refusal("restore", "h1/looper", "cp")).toMatchObject(refusal);
    await expectNothingLeft(lab);
  });

  test("without a record is listed as damaged by the name of its removed container, and can be removed", async () => {
    await startLooper(lab, "h1", "looper");
    for (const name of ["cp", "linked", "gone"]) await lab.json("checkpoint", "create", "h1/looper", name);
    await lab.on(
      "h1",
      `truncate -s 0 ${store("gone")}/record.json; mv ${store("linked")} /root; ln -s /root/linked ${store("linked")}`,
    );
    await lab.on("h1", "docker rm -f looper");
    const { stdout } = await lab.godwit("checkpoint", "ls", "looper");
    expect(stdout).toMatch(/looper +cp .*godwit$/m);
    for (const name of ["linked", "gone"]) {
      expect(stdout).toMatch(new RegExp(`looper +${name} .*damaged$`, "m"));
      expect(await lab.refusal("clone", `looper@${name}`, "twin")).toMatchObject({ code: "invalid-checkpoint" });
      await lab.json("checkpoint", "rm", "looper", name);
    }
    expect(await lab.on("h1", "ls /root/linked/images | grep -c pages-1; rm -r /root/linked")).toBe("1");
    await lab.json("clone", "looper@cp", "twin");
    await countsOn(lab, "h1", "twin");
  });

  test("stays behind when its container moves, and the move says so", async () => {
    await startLooper(lab, "h1", "looper");
    await lab.json("checkpoint", "create", "h1/looper", "cp");
    await lab.json("checkpoint", "create", "h1/looper", "whole");
    await lab.on("h1", `truncate -s -1000 ${store("cp")}/images/pages-1.img`);
    const moved = await lab.godwit("migrate", "h1/looper", "h2");
    expect(moved).toMatchObject({ status: 0, stdout: expect.stringMatching(/'cp' stayed behind: .*pages-1.img/) });
    const listed = await lab.json<{ host: string; checkpoints: { name: string }[] }[]>("checkpoint", "ls");
    expect(listed.map(({ checkpoints }) => checkpoints.map(({ name }) => name))).toEqual([["cp"], ["whole"]]);
    await lab.json("rollback", "h2/looper", "whole");
    await lab.on("h2", "docker rm -f looper");
  });
});

test("a checkpoint without a readable record is refused, and can be removed", async () => {
  await startLooper(lab, "h1", "looper");
  await lab.json("checkpoint", "create", "h1/looper", "cp");
  await lab.on("h1", "echo '{' >/var/lib/godwit/checkpoints/looper/cp/record.json");
  expect(await lab.refusal("rollback", "h1/looper", "cp")).toMatchObject({ code: "invalid-checkpoint", exit: 5 });
  expect(await lab.refusal("checkpoint", "create", "h1/looper", "cp")).toMatchObject({ code: "checkpoint-exists" });
  await lab.json("checkpoint", "rm", "h1/looper", "cp");
  await lab.json("checkpoint", "create", "h1/looper", "cp");
});
