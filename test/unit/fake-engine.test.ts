import { expect, test } from "vitest";
import { engineConforms } from "../../testing/engine-conformance.ts";
import { fakeEngine } from "../../testing/fake-engine.ts";

const withBusybox = () => {
  const engine = fakeEngine();
  engine.store.images.push({ id: "sha256:1", layers: ["sha256:a"], names: ["busybox"], digests: [] });
  return engine;
};
engineConforms("the fake", withBusybox);

const body = (policy: string) => ({
  Image: "busybox",
  HostConfig: { RestartPolicy: { Name: policy } },
  NetworkingConfig: { EndpointsConfig: {} },
});

test("a method fails as often as it is told to, before or after its action", async () => {
  const engine = withBusybox();
  const id = await engine.create("one", body("no"));
  engine.fail("start", new Error("no answer"), { times: 1 });
  await expect(engine.start(id)).rejects.toThrow("no answer");
  expect((await engine.inspect(id)).State.Running).toBe(false);
  await engine.start(id);
  engine.fail("killAndWait", new Error("lost"), { after: true });
  await expect(engine.killAndWait(id)).rejects.toThrow("lost");
  expect((await engine.inspect(id)).State.Running).toBe(false);
  engine.mend("killAndWait");
  await engine.killAndWait(id);
  expect(engine.calls.map(([method]) => method).filter((method) => method === "killAndWait")).toHaveLength(2);
});

test("a method that hangs has done nothing until it goes on", async () => {
  const engine = withBusybox();
  const id = await engine.create("one", body("no"));
  const goOn = engine.hang("start");
  const started = engine.start(id);
  await new Promise(setImmediate);
  expect((await engine.inspect(id)).State.Running).toBe(false);
  goOn();
  await started;
  expect((await engine.inspect(id)).State.Running).toBe(true);
});

test.each([
  ["no", 1, false],
  ["always", 0, true],
  ["on-failure", 0, false],
  ["on-failure", 1, true],
])("with the restart policy %s, a program that ends with status %d runs again: %s", async (policy, status, again) => {
  const engine = withBusybox();
  const id = await engine.create("one", body(policy));
  await engine.start(id);
  const ended = engine.waitForExit(id, { next: true });
  engine.exit(id, status);
  expect(await ended).toBe(status);
  expect(await engine.inspect(id)).toMatchObject({ State: { Running: again }, RestartCount: again ? 1 : 0 });
});
