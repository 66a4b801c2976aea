import { expect, test } from "vitest";
import { container, host as hostFacts } from "../../../testing/host-facts.ts";
import { GodwitError } from "../../contract/errors.ts";
import type { OperationSpec } from "../../operations/operations.ts";
import { cloneRoutes } from "./clones.ts";
import type { RouteDeps } from "./deps.ts";

/** A host h1 with the running container `looper`, which has the checkpoint `before`; another host h2; perhaps a `twin` on one of them. */
function setUp({
  twinOn,
  hook = true,
  ...HostConfig
}: {
  twinOn?: "h1" | "h2";
  hook?: boolean;
  Devices?: readonly object[];
} = {}) {
  const begun: Pick<OperationSpec, "kind" | "container">[] = [];
  const found = {
    ...{ Id: "c".repeat(64), Name: "/looper", Image: "sha256:1", Config: { Image: "busybox" }, HostConfig },
    ...{ State: { Running: true, Status: "running" }, NetworkSettings: {} },
  };
  const h2 = {
    name: "h2",
    json: async () => {
      if (twinOn === "h2") return container({ name: "twin" });
      throw new GodwitError("no-such-container", "There is none.");
    },
  };
  const engine = {
    find: async () => (twinOn === "h1" ? { Name: "/twin" } : undefined),
    containers: async () => [],
  };
  const deps = {
    host: { name: "h1", engine, facts: async () => hostFacts("h1", { hook: { registered: hook, installed: hook } }) },
    find: {
      running: async () => ({ found, name: "looper" }),
      checkpoint: async () => ({ owner: "looper", source: {} }),
    },
    peers: {
      get: (name: string) => {
        if (name === "h2") return h2;
        throw new GodwitError("no-such-host", `There is no host '${name}'.`);
      },
    },
    operations: { start: ({ kind, container }: OperationSpec) => begun.push({ kind, container }) },
  } as unknown as RouteDeps;
  const clone = (body: { name: string; host?: string; checkpoint?: string }) =>
    cloneRoutes(deps).clone({ params: { container: "looper" }, query: {}, body });
  return { begun, clone };
}

test.each([
  ["of a running container holds that container, which stands still for it", {}, "looper"],
  ["of a running container on another host does the same", { host: "h2" }, "looper"],
  ["of a checkpoint leaves the container of the checkpoint free", { checkpoint: "before" }, "twin"],
  ["on the host of the request is one here", { checkpoint: "before", host: "h1" }, "twin"],
  ["of a checkpoint on another host holds its container", { checkpoint: "before", host: "h2" }, "looper"],
])("a clone %s", async (_, asked, held) => {
  const { begun, clone } = setUp();
  await clone({ name: "twin", ...asked });
  expect(begun).toEqual([{ kind: "clone", container: held }]);
});

test.each([
  ["has its name on this host", { twinOn: "h1" }, {}, "name-taken"],
  ["has its name on the other host", { twinOn: "h2" }, { host: "h2", checkpoint: "before" }, "name-taken"],
  ["would be on a host that is not configured", {}, { host: "h9" }, "no-such-host"],
  [
    "would be of a container that cannot be dumped",
    { Devices: [{ PathOnHost: "/dev/kvm" }] },
    {},
    "unsupported-container",
  ],
  ["would be restored on a host without the hook", { hook: false }, { checkpoint: "before" }, "hook-missing"],
] as const)("a clone that %s begins nothing", async (_, world, asked, code) => {
  const { begun, clone } = setUp(world);
  await expect(clone({ name: "twin", ...asked })).rejects.toMatchObject({ code });
  expect(begun).toEqual([]);
});

test("a name that only this host has is free on the other one, and the hook is needed only where the clone runs", async () => {
  const { begun, clone } = setUp({ twinOn: "h1", hook: false });
  await clone({ name: "twin", host: "h2" });
  expect(begun).toHaveLength(1);
});

test("a name of one character, which Docker does not take, is refused", async () => {
  await expect(setUp().clone({ name: "a" })).rejects.toMatchObject({ code: "invalid-name" });
});
