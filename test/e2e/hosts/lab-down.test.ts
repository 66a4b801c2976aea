import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { godwitCommand } from "../support/godwit.ts";
import { testLab } from "../support/lab.ts";
import {
  down,
  expectNothingLeft,
  foldersOf,
  imageOn,
  inits,
  processesOf,
  statusOf,
  traces,
  up,
} from "./lab-commands.ts";

const before = traces();

describe("nothing is left of a lab that is taken down", () => {
  const lab = testLab(`test-${process.pid}-down`);
  const upInOwnProcess = () => spawn(godwitCommand, ["lab", "up", "--name", lab.name], { stdio: "ignore" });

  test("which ran containers, a frozen one among them; a second down does nothing", async () => {
    await up(lab);
    await imageOn(lab, "h1", "busybox");
    await lab.on("h1", "docker run --pull never -d --name ab busybox sleep 600; docker pause ab");
    expect(foldersOf(lab.name)).toHaveLength(2);
    expect(processesOf(lab.name)).not.toEqual([]);
    await down(lab);
    expectNothingLeft(lab, before);
    await down(lab);
  });

  test("whose inits were killed", async () => {
    await up(lab);
    for (const init of (await inits(lab)).values()) process.kill(init, "SIGKILL");
    await down(lab);
    expectNothingLeft(lab, before);
  });

  test.each([50, 150, 250, 350, 500, 700])("whose up was killed after %i ms", async (ms) => {
    const killed = upInOwnProcess();
    const ended = once(killed, "exit");
    await delay(ms);
    killed.kill("SIGKILL");
    await ended;
    await down(lab);
    expectNothingLeft(lab, before);
    await delay(300);
    expectNothingLeft(lab, before);
  });

  test("and a lab comes up whole after an up that was killed", async () => {
    const killed = upInOwnProcess();
    await delay(300);
    killed.kill("SIGKILL");
    await up(lab);
    for (const host of (await statusOf(lab)).hosts) expect(host).toHaveProperty("docker");
    await down(lab);
    expectNothingLeft(lab, before);
  });
});
