import { expect, test } from "vitest";
import { bytes, rate, versionAtLeast, versionOf } from "./units.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [104_857_600, "100 MiB"],
  [1_073_741_823, "1 GiB"],
  [12_884_901_888, "12 GiB"],
  [1_288_490_189, "1.2 GiB"],
  [1_431_655_765, "1.33 GiB"],
])("%d bytes are %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

test.each([
  [null, "unlimited"],
  [125_000, "1 Mbit/s"],
  [50_000_000, "400 Mbit/s"],
  [187_500_000, "1.5 Gbit/s"],
])("a limit of %d bytes per second is %s", (bytesPerSecond, text) => {
  expect(rate(bytesPerSecond)).toBe(text);
});

test.each([
  ["4.2.1", "4.2", true],
  ["4.2", "4.2.1", true],
  ["28.5.2+dfsg1", "26.0", true],
  ["6.9.12-cloud-amd64", "6.16", false],
  ["v3.19", "4.2", false],
  ["unknown", "0.1", false],
])("version %s is at least %s: %s", (version, least, answer) => {
  expect(versionAtLeast(versionOf(version), versionOf(least))).toBe(answer);
});
