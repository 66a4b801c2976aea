import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { Progress } from "../../../src/contract/operations.ts";
import { isFullRun, testInFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, looperCommand, startLooper } from "../support/looper.ts";
import { eventually } from "../support/wait.ts";

const lab = useLab("images", ["forky", "trixie"], ["busybox"]);
const layers = (host: string, image: string) =>
  lab.on(host, `docker image inspect -f '{{join .RootFS.Layers " "}}' ${image}`);

/** Moves a container of an image from h1 to h2. @returns what the command printed */
async function move(image: string): Promise<string> {
  await lab.on("h1", `docker run --pull never -d --name looper ${image} ${looperCommand()}`);
  await countsOn(lab, "h1", "looper");
  const { status, stdout, stderr } = await lab.godwit("migrate", "h1/looper", "h2");
  expect(status, stderr).toBe(0);
  expectConsecutive(await countsOn(lab, "h2", "looper"));
  expect(await lab.on("h2", "docker inspect -f '{{.Config.Image}}' looper")).toBe(image);
  expect(await layers("h2", image)).toBe(await layers("h1", image));
  await lab.on("h2", "docker rm -f looper");
  return stdout + stderr;
}

/** An image of two layers; the lower one is busybox. */
async function makeImage(name: string): Promise<void> {
  await lab.on(
    "h1",
    `docker create --name made busybox && docker cp /etc/services made:/${name} && docker commit made ${name}`,
  );
  await lab.on("h1", "docker rm made");
}

async function copyImage(from: string, to: string, image: string): Promise<void> {
  await lab.on(to, "base64 -d | docker load", await lab.on(from, `docker save ${image} | base64 -w0`));
}

describe("an image that the destination lacks", () => {
  test("is sent without the layers that the destination has", async () => {
    await lab.godwit("lab", "image", "h2", "busybox");
    await makeImage("above");
    expect(await move("above")).toContain("Sending the image above, without 1 layer that is there");
    await lab.on("h2", "docker rmi above busybox");
    expect(await move("above")).toMatch(/Sending the image above$/m);
    await lab.on("h2", "docker rmi above");
  });

  testInFullRun("is sent in about as many bytes as the missing layer has, and no more are announced", async () => {
    await lab.on("h1", "head -c 40M /dev/urandom >/root/large && head -c 300K /dev/urandom >/root/little");
    const add = (file: string, from: string, to: string) =>
      `docker create --pull never --name made ${from} && docker cp /root/${file} made:/ && docker commit made ${to} && docker rm made`;
    await lab.on("h1", add("large", "busybox", "large"));
    await lab.on("h1", add("little", "large", "larger"));
    await copyImage("h1", "h2", "large");
    await lab.on("h1", `docker run --pull never -d --name looper larger ${looperCommand()}`);
    await countsOn(lab, "h1", "looper");
    const { stdout } = await lab.godwit("--json", "migrate", "h1/looper", "h2");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { wireBytes?: number; body?: { progress?: Progress } });
    const reports = lines.map(({ body }) => body?.progress).filter((progress) => progress?.phase === "prepare");
    const layer = 300 * 1024;
    expect(reports[0]?.bytesTotal).toBeGreaterThan(layer);
    expect(reports[0]?.bytesTotal).toBeLessThan(layer + 100_000);
    expect(reports.at(-1)).toMatchObject({
      bytesTotal: reports[0]?.bytesTotal,
      bytesTransferred: reports[0]?.bytesTotal,
    });
    expect(lines.at(-1)?.wireBytes).toBeLessThan(10_000_000);
    expect(await layers("h2", "larger")).toBe(await layers("h1", "larger"));
    expect(await lab.on("h2", "docker exec looper md5sum /large /little")).toBe(
      (await lab.on("h1", "cd /root && md5sum large little")).replaceAll("  ", "  /"),
    );
    // A clone that goes to another host has its image sent in the same way.
    await lab.on("h1", "docker rmi larger; docker rmi large");
    await lab.json("clone", "h2/looper", "h1/twin");
    expect(await layers("h1", "larger")).toBe(await layers("h2", "larger"));
    expect((await countsOn(lab, "h1", "twin")).length).toBeGreaterThan(0);
    await lab.on("h1", "docker rm -f twin; docker rmi larger");
    await lab.on("h2", "docker rm -f looper; docker rmi larger large");
  });

  describe("and that came from a registry", () => {
    const name = "127.0.0.1:5000/some/app:1";
    const start = "/opt/godwit/node_modules/node-linux-*/bin/node /root/registry.mjs /root/layout 5000";

    beforeAll(async () => {
      await makeImage("app");
      const program = await readFile(
        fileURLToPath(new URL("../support/sources/registry.mjs", import.meta.url)),
        "utf8",
      );
      const saved = await lab.on("h1", "docker save app | base64 -w0");
      for (const host of ["h1", "h2"]) {
        await lab.on(host, "cat >/root/registry.mjs", program);
        await lab.on(host, "mkdir /root/layout && base64 -d | tar -x -C /root/layout", saved);
        await lab.on(host, `${start} >/root/registry.log 2>&1 & echo $! >/root/registry.pid`);
      }
      await lab.on("h1", `docker rmi app && docker pull ${name}`);
    });

    test("is fetched from the registry", async () => {
      expect(await move(name)).toContain("Asking h2 to fetch the image");
      expect(await lab.on("h2", "cat /root/registry.log")).toContain("GET blobs");
      expect(await lab.on("h2", `docker image inspect -f '{{.RepoDigests}}' ${name}`)).toContain(
        "127.0.0.1:5000/some/app@",
      );
      await lab.on("h2", `docker rmi -f $(docker image inspect -f '{{.Id}}' ${name})`);
    });

    test("is sent where the registry cannot be reached", async () => {
      await lab.on("h2", "kill $(cat /root/registry.pid)");
      expect(await move(name)).toContain(`Sending the image ${name}`);
    });
  });
});

test("a sparse file arrives as a sparse file, and its holes are not announced as bytes", async () => {
  const size = isFullRun ? "1G" : "256M";
  const make = `truncate -s ${size} /hole /data/hole; echo x | dd of=/data/hole bs=1 seek=100000000 conv=notrunc; sha256sum /hole /data/hole >/sums`;
  await lab.on("h1", `docker run --pull never -d --name looper -v data:/data busybox ${looperCommand()}`);
  await lab.on("h1", `docker exec looper sh -c '${make}'`);
  const { stdout, stderr, status } = await lab.godwit("--json", "migrate", "h1/looper", "h2");
  expect(status, stdout + stderr).toBe(0);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { wireBytes?: number; body?: { progress?: Progress } });
  const sync = lines.find(({ body }) => body?.progress?.phase === "sync")?.body?.progress;
  expect(sync?.bytesTotal).toBeLessThan(1_000_000);
  expect(lines.at(-1)?.wireBytes).toBeLessThan(40_000_000);
  const blocks = (file: string) => lab.on("h2", `docker exec looper stat -c %b ${file}`).then(Number);
  expect(await blocks("/hole")).toBeLessThan(100);
  expect(await blocks("/data/hole")).toBeLessThan(1000);
  await lab.on("h2", "docker exec looper sha256sum -c /sums");
  expectConsecutive(await countsOn(lab, "h2", "looper"));
});

/** Changes the settings of dockerd on h2, and starts it again. */
async function restartDocker(change: string): Promise<void> {
  await lab.on("h2", `${change} && kill $(cat /run/lab/dockerd.pid)`);
  await eventually("dockerd has started again", async () =>
    (await lab.attempt("h2", "sleep 1; docker info")).status === 0 ? true : undefined,
  );
}
const startDocker = (setting: string) =>
  restartDocker(
    `cp /etc/docker/daemon.json /root/daemon.json && sed -i '1s/^{/{ ${setting},/' /etc/docker/daemon.json`,
  );
const restoreDocker = () => restartDocker("mv /root/daemon.json /etc/docker/daemon.json");

describe("a destination with another storage of Docker", () => {
  test("with the containerd image store: a container moves there and back", async () => {
    await startDocker('"features": { "containerd-snapshotter": true }');
    expect(await lab.on("h2", "docker info -f '{{.DriverStatus}}'")).toContain("io.containerd.snapshotter.v1");
    await startLooper(lab, "h1", "looper");
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      await lab.on(from, "docker exec looper sh -c 'echo written >>/file'");
      await lab.json("migrate", `${from}/looper`, to);
      expectConsecutive(await countsOn(lab, to, "looper"));
    }
    expect(await lab.on("h1", "docker exec looper cat /file")).toBe("written\nwritten");
    await restoreDocker();
  });

  test("with a driver that has no layers to copy: the move is refused before anything is done", async () => {
    await startDocker('"storage-driver": "vfs"');
    await startLooper(lab, "h1", "looper");
    expect(await lab.refusal("migrate", "h1/looper", "h2")).toMatchObject({
      code: "preflight-failed",
      message: expect.stringContaining("vfs"),
      hint: expect.stringContaining("overlay2"),
    });
    expectConsecutive(await countsOn(lab, "h1", "looper"));
    await restoreDocker();
  });
});
