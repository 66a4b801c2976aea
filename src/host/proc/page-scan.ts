import { execa } from "execa";
import { memoryPath } from "../paths.ts";

/** Whether godwit-memory is installed, and can follow on this kernel which pages are written. */
export async function canScanPages(): Promise<boolean> {
  const { exitCode, stdout } = await execa(memoryPath, ["send"], {
    input: "check\n",
    encoding: "buffer",
    reject: false,
    stdio: ["pipe", "pipe", "ignore", "ignore"],
  });
  return exitCode === 0 && stdout.length >= 8 && Buffer.from(stdout).readBigInt64LE(0) === 0n;
}
