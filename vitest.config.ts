import { defineConfig } from "vitest/config";

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
      {
        test: {
          name: "vm",
          include: ["test/e2e-vm/**/*.test.ts"],
          globalSetup: "test/e2e-vm/support/shared-lab.ts",
          // Virtual machines are emulated in software.
          env: { GODWIT_TEST_PATIENCE: "8" },
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
          sequence: { concurrent: false },
        },
      },
    ],
  },
});
