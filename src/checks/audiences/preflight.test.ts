import { describe, expect, test } from "vitest";
import { criuOf, dockerOf } from "../../../testing/host-facts.ts";
import { type Case, check, mount } from "../../../testing/preflight-input.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import { firstFailure } from "../verdict.ts";

test("two equal hosts and a plain container: every line is ok", () => {
  const verdicts = check({});
  expect(verdicts.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(verdicts.length).toBeGreaterThan(18);
  expect(firstFailure(verdicts, "looper cannot move to h2")).toBeUndefined();
});

describe("what forbids a move", () => {
  const cases: [string, Case, ErrorCode, RegExp, RegExp][] = [
    ["itself as destination", { destination: { name: "h1" } }, "usage", /on h1 already/, /another host/],
    ["another protocol", { destination: { protocol: 2 } }, "incompatible-agent", /different versions/, /same version/],
    ["another agent version", { destination: { agentVersion: "0.2.0" } }, "incompatible-agent", /0\.2\.0/, /same/],
    ["another architecture", { destination: { architecture: "aarch64" } }, "preflight-failed", /aarch64/, /x86_64/],
    [
      "Docker down there",
      { destination: { docker: null, dockerProblem: "connect ENOENT." } },
      "docker-unreachable",
      /h2: Docker does not answer: connect ENOENT$/,
      /on h2: systemctl start docker/,
    ],
    ["Docker down here", { source: { docker: null } }, "docker-unreachable", /h1: Docker/, /on h1/],
    ["vfs", { destination: { docker: dockerOf({ storageDriver: "vfs" }) } }, "preflight-failed", /vfs/, /overlay2/],
    [
      "another snapshotter",
      { source: { docker: dockerOf({ storageDriver: "zfs", containerdStore: true }) } },
      "preflight-failed",
      /zfs/,
      /overlay2/,
    ],
    [
      "cgroup v1",
      { destination: { docker: dockerOf({ cgroupVersion: "1" }) } },
      "preflight-failed",
      /cgroup/,
      /boot h2/,
    ],
    [
      "no hook",
      { destination: { hook: { registered: false, installed: true } } },
      "hook-missing",
      /h2/,
      /godwit setup/,
    ],
    [
      "hook's file gone",
      { destination: { hook: { registered: true, installed: false } } },
      "hook-missing",
      /file/,
      /setup/,
    ],
    ["no runc", { source: { runc: null } }, "preflight-failed", /runc/, /apt-get install runc/],
    ["no CRIU", { destination: { criu: null } }, "criu-missing", /h2: CRIU is not/, /apt-get install criu/],
    [
      "CRIU too old for the kernel",
      { source: { criu: criuOf({ version: "3.17.1", problem: "vdso: Unexpected area." }) } },
      "criu-missing",
      /h1: CRIU 3\.17\.1 does not work/,
      /4\.2 or newer/,
    ],
    [
      "CRIU does not work",
      { destination: { criu: criuOf({ problem: "vdso: Unexpected area." }) } },
      "criu-missing",
      /h2: CRIU 4\.2\.1 does not work on kernel 6\.18\.5: vdso: Unexpected area$/,
      /4\.2 or newer/,
    ],
    ["CRIU minor differs", { source: { criu: criuOf({ version: "4.1.1" }) } }, "preflight-failed", /4\.1\.1/, /on h1/],
    ["no freezer", { source: { freezer: "none" } }, "preflight-failed", /freezer/, /cgroup2/],
    [
      "tools missing",
      { destination: { missingTools: ["nsenter", "rsync"] } },
      "preflight-failed",
      /rsync/,
      /util-linux rsync/,
    ],
    [
      "small pipes in post-copy",
      { source: { pipeMaxSize: 1048576 }, mode: "postcopy" },
      "preflight-failed",
      /1048576/,
      /sysctl -w/,
    ],
    [
      "no userfaultfd in post-copy",
      { destination: { criu: criuOf({ lazyPages: false }) }, mode: "postcopy" },
      "preflight-failed",
      /post-copy needs userfaultfd, which h2 does not have/,
      /use --mode cold, which auto would choose here; or on h2: boot Linux 5\.15 or later .*modprobe userfaultfd/,
    ],
    [
      "no dirty tracking in pre-copy",
      { source: { pageScan: false }, mode: "precopy" },
      "preflight-failed",
      /pre-copy needs dirty tracking, which h1 does not have/,
      /use --mode postcopy.*or on h1: boot .*SOFT_DIRTY/,
    ],
    [
      "no userfaultfd anywhere, and much memory",
      {
        source: { criu: criuOf({ lazyPages: false }) },
        destination: { criu: criuOf({ lazyPages: false }) },
        container: { memoryBytes: 1024 ** 3 },
        mode: "precopy",
      },
      "preflight-failed",
      /which h1 and h2 do not have/,
      /use --mode cold.*on h1: boot Linux 5\.15 .*; on h2: boot Linux/,
    ],
    ["stopped", { container: { running: false, state: "exited" } }, "container-not-running", /exited/, /docker start/],
    ["paused", { container: { state: "paused" } }, "container-not-running", /paused/, /docker unpause/],
    ["name taken", { view: { nameTaken: true } }, "name-taken", /h2: a container named looper/, /docker rename/],
    [
      "memory",
      { container: { memoryBytes: 3 * 1024 ** 3 } },
      "no-space",
      /the restore needs 6\.06 GiB/,
      /free 2\.06 GiB/,
    ],
    [
      "memory for the images of shared memory",
      {
        source: { memory: { totalBytes: 8 * 1024 ** 3, availableBytes: 1024 ** 3 } },
        container: {
          shared: { memoryBytes: 1.5 * 1024 ** 3, hugeBytes: 0, tmpfsBytes: 0.5 * 1024 ** 3, lockedBytes: 0 },
        },
        mode: "postcopy",
      },
      "no-space",
      /h1: 1 GiB of memory is free, and the images of memory .* need 2 GiB/,
      /on h1: free 1 GiB of memory$/,
    ],
    [
      "memory for the images of a tmpfs, which no mode does without",
      {
        source: { memory: { totalBytes: 8 * 1024 ** 3, availableBytes: 1024 ** 3 } },
        container: { shared: { memoryBytes: 0, hugeBytes: 0, tmpfsBytes: 2 * 1024 ** 3, lockedBytes: 0 } },
        mode: "cold",
      },
      "no-space",
      /h1: 1 GiB of memory is free, and the images .* need 2 GiB/,
      /on h1: free 1 GiB of memory$/,
    ],
    ["disk", { container: { writableBytes: 15e9, volumeBytes: 10e9 } }, "no-space", /23\.3 GiB/, /prune/],
    [
      "TCP port taken",
      { view: { portsTaken: [{ port: 8080, protocol: "tcp" }] } },
      "preflight-failed",
      /port 8080\/tcp is in use/,
      /ss -lntp 'sport = :8080'/,
    ],
    [
      "UDP port taken",
      { view: { portsTaken: [{ port: 53, protocol: "udp" }] } },
      "preflight-failed",
      /port 53\/udp is in use/,
      /ss -lnup/,
    ],
    ["image mount", { container: { mounts: [mount("image")] } }, "unsupported-container", /type image/, /volume/],
    ["devices", { container: { devices: ["/dev/kvm"] } }, "unsupported-container", /\/dev\/kvm/, /--device/],
    ["GPU", { container: { gpus: ["nvidia"] } }, "unsupported-container", /GPU \(nvidia\)/, /--gpus/],
    [
      "open io_uring",
      { container: { unsupported: ["an io_uring"] } },
      "unsupported-container",
      /io_uring open, which CRIU cannot dump/,
      /without/,
    ],
    [
      "an open file of a thread in /proc",
      { container: { unrestorable: ["/proc/7/task/9/stat"] } },
      "unsupported-container",
      /has \/proc\/7\/task\/9\/stat open, which CRIU cannot restore/,
      /without/,
    ],
    [
      "another user, where CRIU cannot read limits",
      {
        source: { criu: criuOf({ otherUsers: false }) },
        container: { otherUsers: [{ pid: 1, command: "redis-server", as: "user 999" }] },
      },
      "unsupported-container",
      /: redis-server \(pid 1\) runs as user 999, and CRIU cannot read .* on h1, where CAP_SYS_RESOURCE is missing/,
      /agent of h1 with CAP_SYS_RESOURCE/,
    ],
    [
      "many of other users",
      {
        source: { criu: criuOf({ otherUsers: false }) },
        container: { otherUsers: [2, 3, 4, 5, 6].map((pid) => ({ pid, command: "nginx", as: "user 33" })) },
      },
      "unsupported-container",
      /nginx \(pid 2\) runs as user 33, nginx \(pid 3\) as user 33, nginx \(pid 4\) as user 33, 2 more, and CRIU/,
      /CAP_SYS_RESOURCE/,
    ],
    ["pid=host", { container: { pidMode: "host" } }, "unsupported-container", /the host/, /--pid/],
    ["ipc=host", { container: { ipcMode: "host" } }, "unsupported-container", /the host/, /--ipc/],
    [
      "network of another",
      { container: { networkMode: "container:abc", joined: [{ name: "vpn", namespace: "network" }] } },
      "unsupported-container",
      /shares its network with container vpn/,
      /--network/,
    ],
    [
      "network joined by another",
      { container: { namespaceSharers: [{ name: "sidecar", namespace: "network" }] } },
      "unsupported-container",
      /its network with container sidecar, which would lose it/,
      /stop sidecar/,
    ],
    [
      "links",
      { container: { inspect: { HostConfig: { Links: ["/db:/web/db"] } } } },
      "unsupported-container",
      /\(db\)/,
      /network/,
    ],
    ["another runtime", { container: { runtime: "runsc" } }, "unsupported-container", /runsc/, /runc/],
  ];
  test.each(cases)("%s", (_, change, code, message, remedy) => {
    const verdicts = check(change);
    const error = firstFailure(verdicts, "looper cannot move to h2");
    expect(error?.code).toBe(code);
    expect(error?.hint).toMatch(remedy);
    expect(error?.message.replace(/\.$/, "")).toMatch(message);
    expect(error?.message).toMatch(/^looper cannot move to h2: .*[^.]\.$/);
    for (const verdict of verdicts.filter(({ level }) => level !== "ok")) expect(verdict.remedy).toBeTruthy();
  });
});

test("processes of other users move where CRIU can read their limits, whatever the host lacks", () => {
  const container = { otherUsers: [{ pid: 1, command: "redis-server", as: "user 999" }] };
  expect(check({ source: { capSysResource: false }, container }).filter(({ level }) => level !== "ok")).toEqual([]);
  // On the destination they are restored, which needs no such right.
  const destination = { criu: criuOf({ otherUsers: false }) };
  expect(check({ destination, container }).filter(({ level }) => level !== "ok")).toEqual([]);
});

test("shared memory needs no room on the source where it goes apart; where CRIU cannot leave memory out, all of it needs room", () => {
  const memory = { totalBytes: 8 * 1024 ** 3, availableBytes: 1024 ** 3 };
  const criu = criuOf({ sharedApart: true });
  const shared = { memoryBytes: 2 * 1024 ** 3, hugeBytes: 0, tmpfsBytes: 0, lockedBytes: 0 };
  const apart = check({ source: { memory, criu }, destination: { criu }, container: { shared }, mode: "cold" });
  expect(apart.filter(({ level }) => level !== "ok")).toEqual([]);
  const source = { memory, pipeMaxSize: 4096 };
  const whole = check({ source, container: { memoryBytes: 1.5 * 1024 ** 3 }, mode: "cold" });
  expect(whole.find(({ level }) => level === "fail")?.message).toContain("need 1.5 GiB");
});
