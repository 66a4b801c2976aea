import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const contentsOf = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));

test("the code for CRIU's messages is what 'npm run proto' makes of their .proto files", () => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-proto-"));
  try {
    execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "scripts/proto.ts"), folder]);
    expect(contentsOf(join(root, "src/host/criu/proto/generated"))).toEqual(contentsOf(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);
