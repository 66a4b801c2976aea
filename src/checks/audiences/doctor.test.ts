import { expect, test } from "vitest";
import { criuOf, dockerOf, host } from "../../../testing/host-facts.ts";
import { bytes, versionAtLeast, versionOf } from "../../contract/units.ts";
import { doctor } from "./doctor.ts";

const level = (verdicts: ReturnType<typeof doctor>, key: string) => verdicts.find(({ check }) => check === key)?.level;

test("a good host: one ok line for each thing", () => {
  const verdicts = doctor(host("h1"));
  expect(verdicts.map(({ check, level }) => `${check} ${level}`)).toEqual(
    "docker,storage-driver,hook,runc,criu,dirty-tracking,userfaultfd,other-users,pipe-size,freezer,memory,disk,tools"
      .split(",")
      .map((check) => `${check} ok`),
  );
});

test("a bare host: every line says what to do", () => {
  const verdicts = doctor(
    host("h1", {
      docker: null,
      hook: { registered: false, installed: false },
      runc: null,
      criu: null,
      pageScan: false,
      pipeMaxSize: 65536,
      freezer: "none",
      memory: { totalBytes: 1, availableBytes: 1 },
      disk: { dockerFreeBytes: 0, storeFreeBytes: 0 },
      missingTools: ["tar"],
    }),
  );
  expect(verdicts.every(({ level, remedy }) => level !== "ok" && remedy)).toBe(true);
  expect(verdicts.filter(({ level }) => level === "fail").every(({ code }) => code)).toBe(true);
});

test("Docker 28's own fault is named and is no fault of the host; 26 has none", () => {
  const message = (version: string) => doctor(host("h1", { docker: dockerOf({ version }) }))[0];
  expect(message("28.5.2")).toMatchObject({
    level: "ok",
    message: expect.stringContaining("docker start --checkpoint"),
  });
  expect(message("29.0.1")?.message).toContain("docker start --checkpoint");
  expect(message("26.1.5+dfsg1")?.message).toBe("Docker 26.1.5+dfsg1");
});

test("the containerd image store is supported under its own driver name only", () => {
  const of = (storageDriver: string, containerdStore: boolean) =>
    level(doctor(host("h1", { docker: dockerOf({ storageDriver, containerdStore }) })), "storage-driver");
  expect([of("overlayfs", true), of("overlay2", false), of("overlayfs", false), of("btrfs", false)]).toEqual([
    "ok",
    "ok",
    "fail",
    "fail",
  ]);
});

test("with CAP_SYS_RESOURCE the pipe size does not matter", () => {
  expect(level(doctor(host("h1", { pipeMaxSize: 4096, capSysResource: true })), "pipe-size")).toBe("ok");
  expect(doctor(host("h1", { pipeMaxSize: 4096 })).find(({ check }) => check === "pipe-size")?.remedy).toBe(
    "sysctl -w fs.pipe-max-size=8388608",
  );
});

test("a host whose CRIU cannot read the limits of other users' processes is told so", () => {
  const without = doctor(host("h1", { criu: criuOf({ otherUsers: false }) })).find(({ level }) => level !== "ok");
  expect(without).toMatchObject({
    check: "other-users",
    level: "warn",
    message: expect.stringContaining("CAP_SYS_RES"),
  });
});

test("comparing hosts says which modes are possible, in either order of the hosts", () => {
  const plain = host("h2", { pageScan: false });
  for (const verdicts of [doctor(host("h1"), plain), doctor(plain, host("h1"))]) {
    const common = verdicts.slice(-6);
    const keys = "agent,architecture,cgroup,criu-versions,kernel,modes".split(",");
    expect(common.map(({ check, level }) => `${check} ${level}`)).toEqual(keys.map((key) => `${key} ok`));
    expect(common.at(-1)?.message).toBe("no pre-copy (no dirty tracking on h2), post-copy possible, cold possible");
  }
});

test("comparing hosts: post-copy needs pipes of the size that CRIU asks for", () => {
  const narrow = host("h2", { pipeMaxSize: 1048576 });
  expect(doctor(host("h1"), narrow).at(-1)?.message).toBe(
    "no pre-copy (no large pipes on h2), no post-copy (no large pipes on h2), cold possible",
  );
});

test("versions and sizes are read as people write them", () => {
  expect(versionOf("6.18.5-cloud-amd64")).toEqual([6, 18]);
  expect(versionOf("v4")).toEqual([4, 0]);
  expect(versionOf("unknown")).toEqual([0, 0]);
  expect(versionAtLeast([4, 10], [4, 2])).toBe(true);
  expect(versionAtLeast([3, 19], [4, 2])).toBe(false);
  expect([0, 1023, 1536, 20 * 1024 ** 2, 2.5 * 1024 ** 3].map(bytes)).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "20 MiB",
    "2.5 GiB",
  ]);
});
