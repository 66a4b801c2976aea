import { expect, test } from "vitest";
import { refusesAddress } from "../engine.ts";
import { DockerRefusal } from "./client.ts";
import { toldAddressRefusal } from "./networks.ts";

const said = "user specified IP address is supported only when connecting to networks with user configured subnets";

test.each([
  ["names it", `invalid config for network net: invalid endpoint settings:\n${said}`, true, false],
  ["names none", said, true, true],
  ["means something else", "invalid config for network net: Address already in use", false, false],
])("a network that takes no address of one's choice, where Docker %s", (_, message, net, other) => {
  const error = toldAddressRefusal(new DockerRefusal(400, message));
  expect(error).toMatchObject({ code: "docker-failed", message: `Docker says: ${message}.` });
  expect([refusesAddress(error, "net"), refusesAddress(error, "net2")]).toEqual([net, other]);
});

test("an error that Docker did not send is no such refusal", () => {
  const error = new Error(said);
  expect(toldAddressRefusal(error)).toBe(error);
  expect(refusesAddress(error, "net")).toBe(false);
});
