import { execa } from "execa";
import type { HostFacts } from "../../contract/facts.ts";
import { memoryPath } from "../paths.ts";
import { kept } from "./kept.ts";

const [hasPageScan, hasSoftDirty] = [1n, 2n];

/** How godwit-memory can follow on this kernel which pages are written: in no way where it is not installed. */
export const dirtyTracking = kept(async (): Promise<Pick<HostFacts, "pageScan" | "softDirty">> => {
  const { exitCode, stdout } = await execa(memoryPath, ["send"], {
    input: "check\n",
    encoding: "buffer",
    reject: false,
    stdio: ["pipe", "pipe", "ignore", "ignore"],
  });
  // The order `check` of runtime/memory/main.c.
  const found = exitCode === 0 && stdout.length >= 16 ? Buffer.from(stdout).readBigUInt64LE(8) : 0n;
  return { pageScan: (found & hasPageScan) > 0n, softDirty: (found & hasSoftDirty) > 0n };
});
