import { expect, test } from "vitest";
import { container, host } from "../../../testing/host-facts.ts";
import { containerObstacles } from "./obstacles.ts";

test("obstacles of a container: failures first, its host's faults once, nothing that is fine", () => {
  const obstacles = containerObstacles(
    container({ autoRemove: true, devices: ["/dev/fuse"] }),
    host("h1", { freezer: "none", pipeMaxSize: 1 }),
  );
  expect(obstacles.map(({ check, level }) => [check, level])).toEqual([
    ["devices", "fail"],
    ["freezer", "fail"],
    ["auto-remove", "warn"],
  ]);
  expect(containerObstacles(container(), host("h1"))).toEqual([]);
});
