import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ContainerInspect } from "../../engine/inspect.ts";
import { readLogTail, readWholeLog } from "./logs.ts";

const container = { Id: "c0ffee", HostConfig: { LogConfig: { Type: "json-file" } } } as unknown as ContainerInspect;
let root = "";
let current = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "godwit-logs-"));
  mkdirSync(join(root, "containers", "c0ffee"), { recursive: true });
  current = join(root, "containers", "c0ffee", "c0ffee-json.log");
  writeFileSync(current, "");
});
afterEach(() => rmSync(root, { recursive: true }));

const line = (word: number) => `${JSON.stringify({ log: `${word}\n`, stream: "stdout", time: "2026" })}\n`;
const say = (...words: number[]) => appendFileSync(current, words.map(line).join(""));
const rotate = () => {
  renameSync(current, `${current}.1`);
  writeFileSync(current, "");
};

async function send(signal?: AbortSignal): Promise<{ sent: string; mark: Awaited<ReturnType<typeof readWholeLog>> }> {
  let sent = "";
  const mark = await readWholeLog(
    container,
    root,
    async (_file, bytes) => {
      sent = (await text(bytes)) + sent;
    },
    signal,
  );
  return { sent, mark };
}

const tail = async (mark: Awaited<ReturnType<typeof readWholeLog>>) =>
  (await readLogTail(container, root, mark)).map(({ text: said }) => Number(said));

test("the tail is what was said since the log was sent", async () => {
  say(1, 2);
  const { sent, mark } = await send();
  expect(sent).toBe(line(1) + line(2));
  say(3, 4);
  expect(await tail(mark)).toEqual([3, 4]);
});

test("nothing is missed where the log was rotated since, also into a file as large as the one before it", async () => {
  say(1);
  rotate();
  say(2);
  const { sent, mark } = await send();
  expect(sent).toBe(line(1) + line(2));
  renameSync(`${current}.1`, `${current}.2`);
  rotate();
  say(3);
  expect(await tail(mark)).toEqual([3]);
  appendFileSync(`${current}.1`, line(9));
  expect(await tail(mark)).toEqual([9, 3]);
});

test("a file that was rotated and compressed since is read on", async () => {
  say(1);
  const { mark } = await send();
  say(2);
  rmSync(current);
  writeFileSync(`${current}.1.gz`, gzipSync(line(1) + line(2)));
  writeFileSync(current, line(3));
  expect(await tail(mark)).toEqual([2, 3]);
});

test("an entry that Docker is in the middle of writing is left to the tail", async () => {
  say(1);
  appendFileSync(current, line(2).slice(0, 9));
  const { sent, mark } = await send();
  expect(sent).toBe(line(1));
  appendFileSync(current, line(2).slice(9));
  expect(await tail(mark)).toEqual([2]);
});

test("a log that is rotated without an end is looked at again at intervals, until that is given up", async () => {
  symlinkSync("nothing", `${current}.1`);
  const begun = process.cpuUsage();
  const enough = new AbortController();
  setTimeout(() => enough.abort(new Error("enough")), 500);
  await expect(send(enough.signal)).rejects.toThrow("enough");
  const { user, system } = process.cpuUsage(begun);
  expect((user + system) / 1000).toBeLessThan(200);
});

test("a log that cannot be read is not taken for one that is rotated", async () => {
  symlinkSync("c0ffee-json.log.1", `${current}.1`);
  await expect(send()).rejects.toMatchObject({ code: "ELOOP" });
});
