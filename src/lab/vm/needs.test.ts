import { expect, test } from "vitest";
import { availableMiB, checkMachines, type MachineFacts } from "./needs.ts";

const able: MachineFacts = { arch: "x64", missing: [], built: true, availableMiB: 16_000 };
const refusal = (starting: number, memoryMiB: number, facts: Partial<MachineFacts> = {}) => {
  try {
    checkMachines(starting, memoryMiB, { ...able, ...facts });
  } catch (error) {
    return error;
  }
};

test("two machines start where memory is enough for them and their emulators", () => {
  expect(refusal(2, 3072)).toBeUndefined();
  expect(refusal(2, 3072, { availableMiB: 6200 })).toMatchObject({ code: "no-space" });
  // Those that run already have their memory.
  expect(refusal(0, 3072, { availableMiB: 100 })).toBeUndefined();
});

test("a missing program, architecture or build is named, with what to do", () => {
  expect(refusal(2, 3072, { missing: ["qemu-system-x86_64"] })).toMatchObject({
    code: "unsupported-system",
    message: "qemu-system-x86_64 is missing on this machine.",
    hint: expect.stringContaining("scripts/setup.sh --vm"),
  });
  expect(refusal(2, 3072, { arch: "arm64" })).toMatchObject({ code: "unsupported-system" });
  expect(refusal(2, 3072, { built: false })).toMatchObject({ hint: expect.stringContaining("npm run build") });
});

test("machines that are too small to be hosts are refused", () => {
  expect(refusal(1, 512)).toMatchObject({ code: "usage" });
});

test("available memory is MemAvailable, and not MemFree", () => {
  expect(availableMiB("MemTotal: 8000000 kB\nMemFree: 10240 kB\nMemAvailable:    2097152 kB\n")).toBe(2048);
});
