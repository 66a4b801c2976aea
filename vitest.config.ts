import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Tests run the command hundreds of times: it starts in two thirds of the time where Node finds it compiled. */
const compiled = { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compiled") };

/** Tests in a lab of virtual machines, which are emulated in software. */
const virtual = (
  name: string,
  include: string[],
  more: TestProjectInlineConfiguration["test"] = {},
): TestProjectInlineConfiguration => ({
  test: {
    name,
    include,
    globalSetup: "test/e2e-vm/support/shared-lab.ts",
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    maxWorkers: 1,
    sequence: { groupOrder: 3 },
    ...more,
    env: { GODWIT_TEST_PATIENCE: "8", ...compiled, ...more.env },
  },
});

/** Files that look at the whole machine, or measure: nothing else runs meanwhile. */
const alone = ["hosts/lab", "hosts/lab-down", "moves/bandwidth"].map((name) => `test/e2e/${name}.test.ts`);

/**
 * A kind of network that has a test without a virtual machine; what the other tests of memory there have in part; and moves between hosts
 * with Docker 28, which other tests make as well.
 */
const onlyInFullRun =
  process.env.GODWIT_TEST_FULL === "1"
    ? []
    : ["e2e-vm/ipvlan", "e2e-vm/memory-rounds", "e2e-vm/shared-memory", "e2e/docker-versions/same-docker-28"].map(
        (name) => `test/${name}.test.ts`,
      );

/** Tests in labs of hosts in namespaces. */
const inLab = (name: string, more: TestProjectInlineConfiguration["test"]): TestProjectInlineConfiguration => ({
  test: {
    name,
    globalSetup: "test/e2e/support/run-labs.ts",
    env: { GODWIT_TEST_PATIENCE: "2", ...compiled },
    testTimeout: 360_000,
    hookTimeout: 600_000,
    ...more,
  },
});

/**
 * On a new machine the largest file begins, for lack of durations. These take minutes, and have their tests in other files: they would
 * be the last, with nothing beside them.
 */
const longest = /\/(programs|docker-versions)\/[^/]*\.test\.ts$/;
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification) => longest.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      // Long limits: a test that needs them is slow because the machine is busy, and not wrong.
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/unit/**/*.test.ts"],
          // Two thirds of their time went into loading the same modules anew for every file.
          // One of two processors was idle: the default leaves one to the terminal.
          isolate: false,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // Most of their time is waiting, so two files run beside each other.
      inLab("e2e", {
        include: ["test/e2e/**/*.test.ts"],
        exclude: [...alone, ...onlyInFullRun],
        maxWorkers: 2,
        sequence: { groupOrder: 1 },
      }),
      inLab("e2e-alone", { include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } }),
      virtual("vm", ["test/e2e-vm/**/*.test.ts"], { exclude: onlyInFullRun }),
      // An hour: run by hand (`npm run test:programs`).
      inLab("programs", {
        include: ["test/programs/**/*.long.ts"],
        maxWorkers: 1,
        testTimeout: 900_000,
        hookTimeout: 3_600_000,
        sequence: { groupOrder: 4 },
      }),
      // Hours: they are run by hand (`npm run test:vm-programs`), and not for every change.
      virtual("vm-programs", ["test/e2e-vm/**/programs.long.ts"], {
        testTimeout: 3_600_000,
        // What it finds is recorded.
        env: { GODWIT_TEST_FULL: "1" },
      }),
    ],
  },
});
