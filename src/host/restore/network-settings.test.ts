import { expect, test } from "vitest";
import { networkSettings } from "./network-settings.ts";

test("network settings alone, with dots or slashes in their names", () => {
  expect(
    networkSettings({
      "net.core.somaxconn": "77",
      "net.ipv4.conf.eth0/7.forwarding": "1",
      "net/ipv4/conf/eth0.7/forwarding": "1",
      "kernel.msgmax": "9000",
    }),
  ).toEqual([
    ["net/core/somaxconn", "77"],
    ["net/ipv4/conf/eth0.7/forwarding", "1"],
    ["net/ipv4/conf/eth0.7/forwarding", "1"],
  ]);
  expect(networkSettings(undefined)).toEqual([]);
});
