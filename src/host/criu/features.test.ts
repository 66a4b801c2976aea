import { expect, test } from "vitest";
import { tellsAllChanges } from "./features.ts";

test("memory follows only on kernels that keep pages away until every change is told", () => {
  const kernels = ["5.10.0-30-amd64", "5.14.0-503.el9.x86_64", "5.15.0-91-generic", "6.1.0-40-amd64", "6.18.44"];
  expect(kernels.map(tellsAllChanges)).toEqual([false, false, true, true, true]);
});
