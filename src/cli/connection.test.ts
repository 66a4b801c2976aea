import { expect, test } from "vitest";
import { labConnection } from "./connection.ts";

test("a container that no host of a lab has: the error says which hosts could not be asked", async () => {
  const silent = ["h1", "h2"].map((name) => ({ name, socket: `/nowhere/${name}.sock` }));
  await expect(labConnection("lab", silent).target("looper")).rejects.toMatchObject({
    code: "no-such-container",
    message: "No host of the lab 'lab' that answers has a container 'looper'.",
    details: ["h1: The agent of h1 does not answer.", "h2: The agent of h2 does not answer."],
  });
});
