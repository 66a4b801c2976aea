import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { CreateBody } from "../src/host/engine/create/create-body.ts";
import type { Engine } from "../src/host/engine/engine.ts";

/**
 * What every engine must do, Docker and the fake alike. The engine has an image `busybox`, and no container, volume or network of
 * a user. The tests leave nothing behind.
 */
export function engineConforms(name: string, engineOf: () => Engine): void {
  describe(`${name} as an engine`, () => {
    test("a container is created, starts, is killed and removed", async () => {
      const engine = engineOf();
      const id = await engine.create("one", sleeper());
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      expect(await engine.find("one")).toMatchObject({ Id: id, Name: "/one", State: { Status: "created", Pid: 0 } });
      await engine.start(id);
      const { State } = await engine.inspect(id.slice(0, 12));
      expect(State).toMatchObject({ Status: "running", Running: true, Paused: false });
      expect(State.Pid).toBeGreaterThan(0);
      expect(await engine.containers()).toMatchObject([{ Id: id, Names: ["/one"], State: "running" }]);
      const ended = engine.waitForExit(id, { next: true });
      // The engine must have the question before the container ends.
      await sleep(200);
      await engine.killAndWait(id);
      expect(await engine.inspect(id)).toMatchObject({ State: { Status: "exited", Running: false, ExitCode: 137 } });
      expect(await ended).toBe(137);
      expect(await engine.waitForExit(id)).toBe(137);
      await engine.remove(id);
      expect(await engine.find(id)).toBeUndefined();
      expect(await engine.containers()).toEqual([]);
    });

    test("a container that is gone: what is harmless, and what is refused", async () => {
      const engine = engineOf();
      await engine.killAndWait("gone");
      await engine.remove("gone", { force: true });
      expect(await engine.find("gone")).toBeUndefined();
      expect(await engine.waitForExit("gone")).toBeNull();
      await expect(engine.inspect("gone")).rejects.toMatchObject({ code: "no-such-container" });
      await expect(engine.start("gone")).rejects.toMatchObject({ code: "docker-failed" });
      await expect(engine.rename("gone", "back")).rejects.toMatchObject({ code: "docker-failed" });
      await expect(engine.setRestartPolicy("gone", { Name: "no" })).rejects.toMatchObject({ code: "docker-failed" });
    });

    test("a name belongs to one container", async () => {
      const engine = engineOf();
      const one = await engine.create("one", sleeper());
      await expect(engine.create("one", sleeper())).rejects.toMatchObject({ code: "name-taken" });
      const two = await engine.create("two", sleeper());
      await expect(engine.rename(two, "one")).rejects.toMatchObject({ code: "docker-failed" });
      await engine.remove(one);
      await engine.rename(two, "one");
      expect((await engine.inspect("one")).Id).toBe(two);
      await engine.remove(two);
    });

    test("only by force is a running container removed; its restart policy is the one that was set last", async () => {
      const engine = engineOf();
      const id = await engine.create("one", sleeper());
      await engine.start(id);
      await engine.setRestartPolicy(id, { Name: "on-failure", MaximumRetryCount: 3 });
      const policy = { Name: "on-failure", MaximumRetryCount: 3 };
      expect((await engine.inspect(id)).HostConfig.RestartPolicy).toEqual(policy);
      await expect(engine.remove(id)).rejects.toMatchObject({ code: "docker-failed" });
      await engine.remove(id, { force: true });
      expect(await engine.find(id)).toBeUndefined();
    });

    test("a removal that has begun ends", async () => {
      const engine = engineOf();
      const id = await engine.create("one", sleeper());
      await engine.start(id);
      const { begun, done } = engine.beginRemoval(id);
      await begun;
      await done;
      expect(await engine.find(id)).toBeUndefined();
      await engine.beginRemoval("gone").done;
    });

    test("a wait for the next end can be given up", async () => {
      const engine = engineOf();
      const id = await engine.create("one", sleeper());
      const controller = new AbortController();
      const waiting = engine.waitForExit(id, { next: true, signal: controller.signal });
      await sleep(200);
      controller.abort();
      await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
      await engine.remove(id);
    });

    test("a volume stays until nobody uses it", async () => {
      const engine = engineOf();
      expect(await engine.volume("data")).toBeUndefined();
      await engine.createVolume("data", { labels: { a: "b" } });
      await engine.createVolume("data");
      expect(await engine.volume("data")).toMatchObject({ driver: "local", labels: { a: "b" }, options: {} });
      const id = await engine.create("one", sleeper({ Binds: ["data:/data"] }));
      expect((await engine.inspect(id)).Mounts).toMatchObject([{ Type: "volume", Name: "data", Destination: "/data" }]);
      expect(await engine.volumeUsers("data")).toMatchObject([{ Id: id }]);
      await expect(engine.removeVolume("data")).rejects.toMatchObject({ code: "docker-failed" });
      await engine.remove(id);
      await engine.removeVolume("data");
      await engine.removeVolume("data");
      expect(await engine.volume("data")).toBeUndefined();
    });

    test("a container joins a network and leaves it", async () => {
      const engine = engineOf();
      expect(await engine.findNetwork("net")).toBeUndefined();
      const network = {
        name: "net",
        driver: "bridge",
        scope: "local",
        internal: false,
        attachable: false,
        ipv6: false,
      };
      await engine.createNetwork({ ...network, ...{ ipam: { driver: "default", options: {}, config: [] } }, ...plain });
      expect(await engine.findNetwork("net")).toMatchObject({ facts: { name: "net", driver: "bridge" }, users: [] });
      const id = await engine.create("one", sleeper());
      await engine.connectNetwork("net", id, {});
      expect(Object.keys((await engine.inspect(id)).NetworkSettings.Networks ?? {})).toContain("net");
      await engine.disconnectNetwork("net", id);
      await engine.disconnectNetwork("gone", id);
      expect(Object.keys((await engine.inspect(id)).NetworkSettings.Networks ?? {})).not.toContain("net");
      await engine.remove(id);
      await engine.removeNetwork("net");
      await engine.removeNetwork("net");
      expect(await engine.findNetwork("net")).toBeUndefined();
    });

    test("an image is found by its name, by its layers, and in an archive of it", async () => {
      const engine = engineOf();
      const [id = "", layers = []] = [await engine.imageId("busybox"), await engine.imageLayers("busybox")];
      expect(id).toMatch(/^sha256:/);
      expect(layers.length).toBeGreaterThan(0);
      expect(await engine.imageId("gone")).toBeUndefined();
      expect(await engine.imageLayers("gone")).toBeUndefined();
      expect(await engine.findImage({ reference: "busybox", id, layers })).toBe("busybox");
      expect(await engine.findImage({ reference: "gone", id: "gone", layers })).toBe(id);
      expect(await engine.findImage({ reference: "busybox", id, layers: [...layers, "sha256:0"] })).toBeUndefined();
      expect(await engine.layersThere([...layers, "sha256:0"])).toEqual(layers);
      const archive = await engine.savedImage({ id, reference: undefined });
      await engine.loadImages(await archive.open());
      expect(await engine.imageId(id)).toBe(id);
      await expect(engine.repositoryDigests("gone")).rejects.toMatchObject({ code: "docker-failed" });
    });
  });
}

const plain = { options: {}, labels: {} };

/** A container that runs until it is killed. */
const sleeper = (hostConfig: object = {}): CreateBody => ({
  ...{ Image: "busybox", Cmd: ["sleep", "1000"] },
  HostConfig: { NetworkMode: "bridge", RestartPolicy: { Name: "no", MaximumRetryCount: 0 }, ...hostConfig },
  NetworkingConfig: { EndpointsConfig: {} },
});
