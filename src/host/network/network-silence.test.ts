import { expect, test } from "vitest";
import { holdSilence, unsilenceNetwork } from "./network-silence.ts";

test("the network of the host itself is left alone", async () => {
  // Neither calls nft, which would fail here or, worse, not.
  await expect((await holdSilence(process.pid)).silence()).resolves.toBeUndefined();
  await expect(unsilenceNetwork(process.pid)).resolves.toBeUndefined();
});
