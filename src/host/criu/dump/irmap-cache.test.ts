import { expect, test } from "vitest";
import { irmapCache } from "./irmap-cache.ts";

test("the image of watched paths has the magic of CRIU's service images, and the length before each message", () => {
  const image = irmapCache([
    { device: 0x2c, inode: 300n, path: "/srv" },
    { device: 1, inode: 0xffffffffffffffffn, path: "/\xc3\xa4" },
  ]);
  expect(image.toString("hex")).toBe(
    [
      ["40591055", "59400057"],
      ["0b000000", "082c", "10ac02", "1a042f737276"],
      ["12000000", "0801", `10${"ff".repeat(9)}01`, "1a032fc3a4"],
    ]
      .flat()
      .join(""),
  );
});
