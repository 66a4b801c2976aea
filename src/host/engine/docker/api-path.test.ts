import { expect, test } from "vitest";
import { api } from "./api-path.ts";

test("a name stays one segment of a path", () => {
  expect(api`/info`).toBe("/info");
  expect(api`/volumes/${"data"}`).toBe("/volumes/data");
  expect(api`/images/${"host:5000/some/app:1"}/json`).toBe("/images/host%3A5000%2Fsome%2Fapp%3A1/json");
  expect(api`/volumes/${"a?force=1#x"}`).toBe("/volumes/a%3Fforce%3D1%23x");
  expect(api`/containers/${"a"}/checkpoints/${"b"}`).toBe("/containers/a/checkpoints/b");
});

test.each(["..", ".", "", "../../x", "a/../b", "/a", "a//b"])("%j is refused as a name", (name) => {
  expect(() => api`/volumes/${name}`).toThrow(expect.objectContaining({ code: "invalid-name" }));
});
