import { expect, test } from "vitest";
import { thawContainer } from "./settle.ts";

test("a frozen container that could not be looked for is not taken for gone: it is tried again", async () => {
  const unreadable = async () => {
    throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
  };
  await expect(thawContainer("c0ffee", unreadable)).rejects.toMatchObject({ code: "EMFILE" });
  await expect(thawContainer("c0ffee", async () => undefined)).resolves.toBeUndefined();
});
