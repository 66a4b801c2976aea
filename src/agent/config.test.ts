import { expect, test } from "vitest";
import { parseConfig, readConfig } from "./config.ts";

const parse = (value: unknown) => parseConfig("/etc/godwit/agent.json", JSON.stringify(value));

test("what is not said has a default", () => {
  expect(parse({ name: "h1" })).toEqual({
    name: "h1",
    listen: undefined,
    hosts: {},
    stateDir: "/var/lib/godwit",
    runDir: "/run/godwit",
    pki: "/etc/godwit/pki",
  });
});

test("everything that is wrong is said at once, each with its place", () => {
  const wrong = { name: "a b", listen: "nowhere", hosts: { h2: "10.0.0.2" }, pki: "x", colour: 1 };
  try {
    parse(wrong);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      code: "usage",
      message: "The agent's configuration /etc/godwit/agent.json is not valid.",
    });
    const details = (error as { details: string[] }).details.join("\n");
    for (const place of ["name: ", "listen: ", "hosts.h2: ", "pki: ", "colour"]) expect(details).toContain(place);
  }
});

test("what the runtime hook must know cannot be set", () => {
  for (const setting of ["stateDir", "runDir"]) {
    expect(() => parse({ name: "h1", [setting]: "/srv/godwit" })).toThrow(
      expect.objectContaining({ code: "usage", details: [expect.stringContaining(setting)] }),
    );
  }
});

test("no file, or no JSON, is a sentence", () => {
  expect(() => readConfig("/nonexistent/agent.json")).toThrow("/nonexistent/agent.json does not exist.");
  expect(() => parseConfig("f", "{")).toThrow("The agent's configuration f is not valid.");
});
