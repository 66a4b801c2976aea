import { expect, test } from "vitest";
import { silenceNetwork, unsilenceNetwork } from "./network-silence.ts";

test("the network of the host itself is left alone", async () => {
  // Neither calls nft, which would fail here or, worse, not.
  await expect(silenceNetwork(process.pid)).resolves.toBeUndefined();
  await expect(unsilenceNetwork(process.pid)).resolves.toBeUndefined();
});
