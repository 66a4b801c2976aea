import { expect, test } from "vitest";
import { parseMounts } from "../host/proc/mountinfo.ts";
import { findCgroup2 } from "./host/cgroup.ts";
import { hostRecipe, mmdebstrapArguments, recipeKey } from "./recipe.ts";

const source = { uri: "http://mirror.example/debian" };

test("trixie takes CRIU from forky, and nothing else", () => {
  const args = mmdebstrapArguments(hostRecipe("trixie"), source, [], "/root", "directory");
  expect(args.filter((arg) => arg.startsWith("deb "))).toHaveLength(2);
  expect(args.find((arg) => arg.startsWith("--setup-hook"))).toMatch(/Package: criu libcompel1 .*Pin-Priority: 990/s);
});

test("forky needs no other release", () => {
  const args = mmdebstrapArguments(hostRecipe("forky"), source, ['Acquire::http::Proxy "p";'], "/root", "directory");
  expect(args.filter((arg) => arg.startsWith("deb "))).toHaveLength(1);
  expect(args).toContain('--aptopt=Acquire::http::Proxy "p";');
  expect(args.some((arg) => arg.startsWith("--setup-hook"))).toBe(false);
});

test("another recipe has another name", () => {
  const recipe = hostRecipe("trixie");
  expect(recipeKey(recipe)).toMatch(/^trixie-[0-9a-f]{12}$/);
  expect(recipeKey({ ...recipe, packages: [...recipe.packages, "vim"] })).not.toBe(recipeKey(recipe));
});

test("a root with more packages has a name of its own, which is not the beginning of another's", () => {
  const recipe = hostRecipe("trixie", ["podman"]);
  expect(recipe).toMatchObject({ name: "podman-trixie", release: "trixie" });
  expect(recipe.packages).toContain("podman");
  expect(recipeKey(hostRecipe("trixie", []))).toBe(recipeKey(hostRecipe("trixie")));
});

test("the cgroup2 tree is found alone, and beside trees of version 1", () => {
  const alone = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw";
  const beside =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
  expect(findCgroup2(parseMounts(alone))).toBe("/sys/fs/cgroup");
  expect(findCgroup2(parseMounts(beside))).toBe("/sys/fs/cgroup/unified");
  expect(findCgroup2(parseMounts("20 1 8:1 / / rw - ext4 /dev/vda rw"))).toBeUndefined();
});
