import { execa } from "execa";
import type { TestProject } from "vitest/node";
import { godwitCommand, takeDown } from "../../e2e/support/godwit.ts";

declare module "vitest" {
  interface ProvidedContext {
    vmLab: string;
  }
}

/**
 * Brings up the one lab that all test files of the project share: virtual machines take a minute or more to boot. With
 * GODWIT_TEST_VM_LAB=NAME it is that one, which stays up afterwards, for the next run.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kept = process.env.GODWIT_TEST_VM_LAB;
  const name = kept ?? `e2e-${process.pid}-vm`;
  const down = async () => {
    if (!kept) await takeDown(name);
  };
  try {
    await execa(godwitCommand, ["lab", "up", "--name", name, "--kind", "vm"], {
      stdin: "ignore",
      stdout: 2,
      stderr: "inherit",
    });
  } catch (error) {
    await down();
    throw error;
  }
  project.provide("vmLab", name);
  return down;
}
