import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fakeWork } from "../../testing/fake-agent.ts";
import { type Agent, startAgent } from "../agent/agent.ts";
import type { RouteTable } from "../contract/routes.ts";
import { jsonReporter } from "./reporters/json.ts";
import { plainReporter } from "./reporters/plain.ts";
import { runCli } from "./run.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-cli-"));
let agent: Agent;
const missing = async () => {
  throw new Error("a bug");
};

beforeAll(async () => {
  const config = {
    name: "h1",
    listen: undefined,
    hosts: {},
    stateDir: join(folder, "state"),
    runDir: join(folder, "run"),
  };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const bug: Partial<RouteTable> = { facts: missing, doctor: missing };
  agent = await startAgent({ ...config, pki: join(folder, "pki") }, (parts) => fakeWork(parts, bug), log);
});
afterAll(async () => {
  await agent.close();
  rmSync(folder, { recursive: true });
});

async function godwit(
  line: string,
  more: { onOut?: (text: string, interrupt: () => void) => void; socket?: string } = {},
) {
  const [out, err]: [string[], string[]] = [[], []];
  let interrupt = () => {};
  const terminal = {
    out: (text: string) => {
      out.push(text);
      more.onOut?.(text, interrupt);
    },
    err: (text: string) => err.push(text),
  };
  const status = await runCli(line.split(" ").filter(Boolean), {
    env: { GODWIT_SOCKET: more.socket ?? agent.socket },
    terminal,
    interrupts: {
      onInterrupt: (listener) => {
        interrupt = listener;
        return () => {};
      },
      leave: () => {
        throw new Error("left");
      },
    },
    reporter: (json) => (json ? jsonReporter(terminal) : plainReporter(terminal)),
  });
  return { status, out: out.join(""), err: err.join("") };
}

test("without a command there is help", async () => {
  expect(await godwit("")).toMatchObject({ status: 0, out: expect.stringContaining("Usage: godwit") });
});

test.each([
  ["frob", "godwit: Unknown command 'frob'.\n  hint: See 'godwit --help'.\n"],
  ["migrate looper h2 --frob", "godwit: Unknown option '--frob'.\n  hint: See 'godwit migrate --help'.\n"],
  ["checkpoint", "godwit: 'godwit checkpoint' needs one of its commands.\n  hint: See 'godwit checkpoint --help'.\n"],
])("'godwit %s' is misuse: a sentence, a hint, exit status 2", async (line, err) => {
  expect(await godwit(line)).toEqual({ status: 2, out: "", err });
});

test("ps lists, with --json as one document", async () => {
  expect((await godwit("ps")).out).toContain("h1/looper  0123456789ab  busybox");
  const { out, status } = await godwit("ps --json");
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject([{ host: "h1", problem: null, containers: [{ name: "looper" }] }]);
});

test("an error has its catalogue's exit status; with --json it is on stdout as well", async () => {
  const plain = await godwit("migrate nobody h2");
  expect(plain).toEqual({ status: 3, out: "", err: "godwit: There is no container 'nobody' on h1.\n" });
  const json = await godwit("migrate h1/nobody h2 --json");
  expect(json.status).toBe(3);
  expect(JSON.parse(json.out)).toEqual({
    error: { code: "no-such-container", message: "There is no container 'nobody' on h1." },
  });
});

test("no agent is a sentence", async () => {
  const { status, err } = await godwit("ps", { socket: join(folder, "none.sock") });
  expect(status).toBe(6);
  expect(err).toMatch(/^godwit: No agent answers on .*none\.sock\.\n {2}hint: Start it with/);
});

test("a bug shows a stack", async () => {
  const { status, err } = await godwit("doctor");
  expect(status).toBe(1);
  expect(err).toMatch(/godwit: a bug\.\n {4}\s+at /);
});

test("an operation is shown to its end; with --json a line for each event, then the result", async () => {
  const { status, out } = await godwit("migrate looper h2 --mode cold");
  expect(status).toBe(0);
  expect(out.split("\n").slice(1)).toEqual(["preflight: To h2", "migrate of looper: done", ""]);
  const json = await godwit("migrate looper h2 --mode cold --json");
  const lines = json.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map((line) => line.body?.type ?? line)).toEqual(["started", "phase", "ended", { ok: true }]);
});

test("Ctrl-C cancels the operation and says so", async () => {
  const onOut = (text: string, interrupt: () => void) => text.startsWith("preflight") && interrupt();
  const { status, err } = await godwit("migrate looper h2", { onOut });
  expect(status).toBe(8);
  expect(err).toContain("Cancelling the migrate of looper; press Ctrl-C again to stop following it.");
  expect(err).toContain("godwit: The operation 'migrate' on 'looper' was cancelled.");
});

test("a migration is found by the beginning of its id, and what has ended is not steered any more", async () => {
  await godwit("migrate looper h2 --mode cold --bandwidth 400mbit --drain-bandwidth unlimited");
  const listed = JSON.parse((await godwit("migration ls --json")).out) as { id: string }[];
  const { id } = listed.at(-1) ?? { id: "" };
  expect(listed.at(-1)).toMatchObject({
    ...{ container: "looper", source: "h1", destination: "h2", asked: "cold", state: "done" },
    settings: { downtimeLimitMs: 300, bandwidth: 50_000_000, drainBandwidth: null },
  });
  expect((await godwit(`migration show ${id.slice(0, 6)}`)).out).toMatch(/^bandwidth +400 Mbit\/s$/m);
  for (const steer of ["set --bandwidth 1gbit", "switch", "cancel"]) {
    expect(await godwit(`migration ${steer} ${id}`)).toEqual({
      ...{ status: 4, out: "" },
      err: `godwit: Migration ${id} of 'looper' has ended: done.\n  hint: See its result with: godwit migration show ${id}\n`,
    });
  }
  expect(await godwit("migration watch nothing")).toMatchObject({ status: 3 });
});

test.each([
  ["migration set x", "No limit is given."],
  ["migration set x --bandwidth 400", "--bandwidth 400 has no unit."],
  ["migrate looper h2 --downtime-limit 2h", "--downtime-limit 2h is out of range: it goes from 1ms to 1h."],
])("'godwit %s' is refused before an agent is asked", async (line, sentence) => {
  const { status, err } = await godwit(line, { socket: join(folder, "none.sock") });
  expect(status).toBe(2);
  expect(err).toMatch(new RegExp(`^godwit: ${sentence.replaceAll(".", "\\.")}\n  hint: \\S`));
});

test("certificates keep an authority that is there", async () => {
  const pki = join(folder, "made");
  const first = await godwit(`certificates ${pki} h1=10.0.0.1 --json`);
  expect(JSON.parse(first.out)).toMatchObject({ authorityKept: false, hosts: [{ name: "h1" }] });
  const second = await godwit(`certificates ${pki} h2=10.0.0.2,h2.example --json`);
  expect(JSON.parse(second.out)).toMatchObject({ authorityKept: true });
  for (const file of ["h1/key.pem", "h2/ca.pem", "h2/cert.pem"]) expect(existsSync(join(pki, file))).toBe(true);
  expect(await godwit(`certificates ${pki} h3`)).toMatchObject({ status: 2 });
});
