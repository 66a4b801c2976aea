import { expect, test } from "vitest";
import { namesOfCopies } from "./clone.ts";

test("each copy of a volume has its own name, also where volumes share their first forty characters", () => {
  const long = "v".repeat(40);
  expect(namesOfCopies("twin", ["data", `${long}_one`, `${long}_two`, `${long}_three`])).toEqual({
    data: "twin_data",
    [`${long}_one`]: `twin_${long}`,
    [`${long}_two`]: `twin_${long}_2`,
    [`${long}_three`]: `twin_${long}_3`,
  });
});
