import { expect, test } from "vitest";
import { container, criuOf, host } from "../../../testing/host-facts.ts";
import type { DumpPurpose } from "../check.ts";
import { refuseDump, refuseRestore } from "./checkpoint.ts";

const purposes: DumpPurpose[] = ["keep", "stop", "clone", "rollback"];
/** What is said for each purpose: the error's message, or the warnings. */
const said = (change: Parameters<typeof container>[0], facts = host("h1")) =>
  purposes.map((purpose) => {
    try {
      return refuseDump(facts, container(change), purpose).map(({ message }) => message);
    } catch (error) {
      return (error as Error).message;
    }
  });

test("a plain container: nothing is said", () => {
  expect(said({})).toEqual([[], [], [], []]);
});

test("what cannot be dumped is refused for every purpose", () => {
  for (const message of said({ unsupported: ["an io_uring"] }))
    expect(message).toMatch(/'looper'.* has an io_uring open/);
  const otherUsers = [{ pid: 1, command: "redis-server", as: "user 999" }];
  const without = host("h1", { criu: criuOf({ otherUsers: false }) });
  for (const message of said({ otherUsers }, without))
    expect(message).toMatch(/redis-server \(pid 1\) runs as user 999/);
});

test("what cannot be restored is a warning where the checkpoint is only kept", () => {
  const [keep, stop, clone, rollback] = said({ unrestorable: ["/proc/1/task/9/stat"] });
  expect(keep).toEqual([
    "the checkpoint cannot be restored: the container has /proc/1/task/9/stat open, which CRIU cannot restore",
  ]);
  expect(clone).toMatch(/^'looper' cannot be cloned: the container has .* CRIU cannot restore\.$/);
  expect(stop).toMatch(/^'looper' cannot be stopped with a checkpoint: the container has .* CRIU cannot restore\.$/);
  expect(rollback).toMatch(/^'looper' cannot be rolled back: the container has .* CRIU cannot restore\.$/);
});

test("a container that others share a namespace with cannot end, and may be dumped", () => {
  const [keep, stop, clone, rollback] = said({ namespaceSharers: [{ name: "sidecar", namespace: "network" }] });
  expect([keep, clone]).toEqual([[], []]);
  for (const message of [stop, rollback])
    expect(message).toMatch(/shares its network with container sidecar, which would lose it/);
});

test("links and warnings concern migrations alone", () => {
  const links = { HostConfig: { Links: ["/db:/web/db"] } };
  expect(said({ inspect: links, autoRemove: true, privileged: true, networkMode: "host" })).toEqual([[], [], [], []]);
});

test("a restore needs the runtime hook, a dump does not", () => {
  const facts = host("h1", { hook: { registered: false, installed: true } });
  expect(said({}, facts)).toEqual([[], [], [], []]);
  expect(() => refuseRestore(facts, "looper")).toThrow(
    "'looper' cannot be restored on h1: the runtime hook is not set up",
  );
  expect(() => refuseRestore(host("h1"), "looper")).not.toThrow();
});
