import { expect, test } from "vitest";
import { cgroupPathOf } from "./hierarchy.ts";

test.each([
  ["/docker/c0ffee", "/docker/c0ffee"],
  ["system.slice:docker:c0ffee", "/system.slice/docker-c0ffee.scope"],
  ["apps-web.slice:docker:c0ffee", "/apps.slice/apps-web.slice/docker-c0ffee.scope"],
])("the cgroup of a bundle with %s is %s", (given, path) => {
  expect(cgroupPathOf(given)).toBe(path);
});
