import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { must, run } from "./run.ts";

const sh = (script: string, options = {}) => run("sh", ["-c", script], options);

test("a command gets its input, and its status and both outputs come back as they are", async () => {
  const result = await sh("cat; echo warned >&2; exit 7", { input: "given\n" });
  expect(result).toEqual({ status: 7, stdout: "given\n", stderr: "warned\n" });
});

test("a command that a signal ended has the status that a shell reports", async () => {
  expect((await sh("kill -TERM $$")).status).toBe(143);
});

test("a command may leave its input unread", async () => {
  expect((await run("true", [], { input: "x".repeat(1_000_000) })).status).toBe(0);
});

test("files stand for the input and the output", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lab-run-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  writeFileSync(from, "text of a file");
  const result = await sh("cat; pwd", { input: { file: from }, outputFile: to, cwd: folder });
  expect(result).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(readFileSync(to, "utf8")).toBe(`text of a file${folder}\n`);
});

test("each line of standard error is seen, and kept", async () => {
  const lines: string[] = [];
  const { stderr } = await sh("printf 'one\\ntwo\\nrest' >&2", { onLine: (line: string) => lines.push(line) });
  expect(lines.slice(0, 2)).toEqual(["one", "two"]);
  expect(stderr).toBe("one\ntwo\nrest");
});

test("a command that is not installed, and one that fails, are errors of their own", async () => {
  await expect(run("no-such-command", [])).rejects.toMatchObject({
    code: "unsupported-system",
    message: "The command no-such-command is missing on this machine.",
  });
  await expect(must("sh", ["-c", "echo why >&2; exit 3"])).rejects.toMatchObject({
    code: "command-failed",
    message: "'sh -c echo why >&2; exit 3' failed with status 3.",
    details: ["why"],
  });
  expect(await must("echo", ["fine"])).toBe("fine\n");
});
