import { expect, test } from "vitest";
import { availableMiB, checkMachines } from "./needs.ts";

test("counts what programs can still have, and not what is unused", () => {
  expect(availableMiB("MemTotal: 8000000 kB\nMemFree: 10240 kB\nMemAvailable:    2097152 kB\n")).toBe(2048);
});

test("refuses machines that are too small to be hosts", async () => {
  await expect(checkMachines(1, 512)).rejects.toMatchObject({ code: "usage" });
});
