import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** Tests in a lab of virtual machines, which are emulated in software. */
const virtual = (name: string, include: string[], testTimeout = 1_200_000): TestProjectInlineConfiguration => ({
  test: {
    name,
    include,
    globalSetup: "test/e2e-vm/support/shared-lab.ts",
    env: { GODWIT_TEST_PATIENCE: "8" },
    testTimeout,
    hookTimeout: 1_200_000,
    fileParallelism: false,
    sequence: { concurrent: false },
  },
});

export default defineConfig({
  test: {
    projects: [
      // Long limits: a test that needs them is slow because the machine is busy, and not wrong.
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/unit/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { concurrent: false },
        },
      },
      virtual("vm", ["test/e2e-vm/**/*.test.ts"]),
      // Hours: they are run by hand (`npm run test:vm-programs`), and not for every change.
      virtual("vm-programs", ["test/e2e-vm/**/programs.long.ts"], 3_600_000),
    ],
  },
});
