import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { agentPidFile, pendingFolder } from "../../src/host/paths.ts";
import { pendingFiles } from "../../src/host/restore/pending.ts";

const hook = readFileSync(new URL("../../runtime/godwit-runtime", import.meta.url), "utf8");
const [header = "", script = ""] = hook.split(/\n\n(.*)/s);

test("the runtime hook looks for pending restores, and for the agent, where the agent has them", () => {
  expect(script.match(/^pending=(.*)$/m)?.[1]).toBe(pendingFolder);
  expect(new Set(script.match(/\/run\/\S*/g))).toEqual(new Set([agentPidFile]));
});

test("the header of the runtime hook names each file of a pending restore, and so does the agent", () => {
  const described = [...header.matchAll(/^# {3}(\S+) /gm)].map(([, name]) => name);
  expect(new Set(described)).toEqual(new Set(Object.values(pendingFiles)));
});

test("the runtime hook uses no other file of a pending restore", () => {
  const own = ["background", "criu.conf.refused"];
  const used = [...script.matchAll(/"\$(?:p|1|2)\/([\w.]+)"/g)].map(([, name]) => name ?? "");
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((name) => ![...Object.values<string>(pendingFiles), ...own].includes(name))).toEqual([]);
});
