import type { HostFacts, Verdict } from "../contract/facts.ts";
import { bytes, type Version, versionAtLeast, versionOf } from "../contract/units.ts";
import { fail, ok, warn } from "./verdict.ts";

/* What one host needs, one function for each thing. Doctor shows all of them; preflight those that its side needs. */

export const pipeBytesNeeded = 8 * 1024 * 1024;
const docker26: Version = [26, 0];
const docker28: Version = [28, 0];
const criu42: Version = [4, 2];
/** From this kernel on, CRIU before 4.2 cannot read the options of a TCP socket. */
const kernelWithNewSockets: Version = [6, 16];

export function dockerCheck({ docker, dockerProblem }: HostFacts): Verdict {
  if (!docker) {
    const why = dockerProblem ? `: ${dockerProblem.replace(/\.$/, "")}` : "";
    return fail("docker", "docker-unreachable", `Docker does not answer${why}`, "systemctl start docker");
  }
  const version = versionOf(docker.version);
  if (!versionAtLeast(version, docker26)) {
    return warn(
      "docker",
      `Docker ${docker.version} is older than any that godwit was tried with (26 and 28)`,
      "install Docker 26 or newer",
    );
  }
  const fault = versionAtLeast(version, docker28)
    ? "; its own 'docker start --checkpoint' fails for every container on a bridge, godwit restores those as well"
    : "";
  return ok("docker", `Docker ${docker.version}${fault}`);
}

export function storageDriverCheck({ docker }: HostFacts): Verdict[] {
  if (!docker) return [];
  const { storageDriver, containerdStore } = docker;
  const known = containerdStore ? storageDriver === "overlayfs" : storageDriver === "overlay2";
  if (known) {
    const store = containerdStore ? " (containerd image store)" : "";
    return [ok("storage-driver", `storage driver ${storageDriver}${store}`)];
  }
  return [
    fail(
      "storage-driver",
      "preflight-failed",
      `storage driver ${storageDriver} has no layer that godwit can carry`,
      `set "storage-driver": "overlay2" in /etc/docker/daemon.json (existing containers and images stay behind) and restart Docker`,
    ),
  ];
}

/** Where Docker does not answer, nobody can say whether it knows the hook. */
export function hookCheck({ hook, docker }: HostFacts): Verdict[] {
  if (!docker) return [];
  if (hook.registered && hook.installed) return [ok("hook", "runtime hook registered with Docker")];
  const what = hook.registered ? "its files are missing, or of another version" : "Docker does not know it";
  return [fail("hook", "hook-missing", `runtime hook not set up: ${what}`, "godwit setup")];
}

export function runcCheck({ runc }: HostFacts): Verdict {
  if (runc) return ok("runc", `runc ${runc}`);
  return fail("runc", "preflight-failed", "runc is not installed", "apt-get install runc");
}

export function criuCheck({ criu, kernel }: HostFacts): Verdict {
  if (!criu) return fail("criu", "criu-missing", "CRIU is not installed", "apt-get install criu");
  if (criu.problem) {
    const why = criu.problem.replace(/\.$/, "");
    return fail("criu", "criu-missing", `CRIU ${criu.version} does not work on kernel ${kernel}: ${why}`, newerCriu);
  }
  if (versionAtLeast(versionOf(criu.version), criu42))
    return ok("criu", `CRIU ${criu.version} works on kernel ${kernel}`);
  const sockets = versionAtLeast(versionOf(kernel), kernelWithNewSockets)
    ? `cannot save TCP sockets on kernel ${kernel}`
    : "is older than 4.2, which is recommended";
  return warn("criu", `CRIU ${criu.version} ${sockets}`, newerCriu);
}

const newerCriu = "install CRIU 4.2 or newer (Debian forky has it: apt-get install -t forky criu)";

export function dirtyTrackingCheck({ criu, kernel }: HostFacts): Verdict[] {
  if (!criu) return [];
  if (criu.dirtyTracking) return [ok("dirty-tracking", "the kernel tracks changed memory (pre-copy)")];
  return [
    warn(
      "dirty-tracking",
      `kernel ${kernel} does not track changed memory: no pre-copy from here`,
      "boot a kernel with CONFIG_MEM_SOFT_DIRTY, such as Debian's linux-image-amd64, if you need pre-copy",
    ),
  ];
}

export function lazyPagesCheck({ criu }: HostFacts): Verdict[] {
  if (!criu) return [];
  if (criu.lazyPages) return [ok("userfaultfd", "userfaultfd works: memory can follow after the resume")];
  return [
    warn(
      "userfaultfd",
      "userfaultfd does not work: all memory is read before the resume, and the downtime grows with it",
      "modprobe userfaultfd, or boot a kernel with CONFIG_USERFAULTFD",
    ),
  ];
}

export function otherUsersCheck({ criu }: HostFacts): Verdict[] {
  if (!criu) return [];
  if (criu.otherUsers) return [ok("other-users", "CRIU can dump processes of every user")];
  return [
    warn(
      "other-users",
      "CRIU cannot dump processes of other users than root: CAP_SYS_RESOURCE is missing",
      "run Docker and the agent with CAP_SYS_RESOURCE",
    ),
  ];
}

/** @param needed whether the action fails without it; post-copy does, CRIU's eager page server only asks for more pipes */
export function pipeCheck({ pipeMaxSize, capSysResource }: HostFacts, needed = false): Verdict {
  if (capSysResource) return ok("pipe-size", "CAP_SYS_RESOURCE is there: pipes have no limit");
  if (pipeMaxSize >= pipeBytesNeeded) return ok("pipe-size", `fs.pipe-max-size is ${pipeMaxSize}`);
  const message = `fs.pipe-max-size is ${pipeMaxSize}, CRIU's page server needs ${pipeBytesNeeded}`;
  const remedy = `sysctl -w fs.pipe-max-size=${pipeBytesNeeded}`;
  return needed ? fail("pipe-size", "preflight-failed", message, remedy) : warn("pipe-size", message, remedy);
}

export function freezerCheck({ freezer }: HostFacts): Verdict {
  if (freezer !== "none") return ok("freezer", `cgroup freezer (${freezer})`);
  return fail(
    "freezer",
    "preflight-failed",
    "no cgroup freezer: a container could not be held still",
    "mount -t cgroup2 none /sys/fs/cgroup",
  );
}

export function toolsCheck({ missingTools }: HostFacts): Verdict {
  if (missingTools.length === 0) return ok("tools", "all system tools are there");
  const packages = [...new Set(missingTools.map((tool) => packageOf[tool] ?? tool))];
  return fail(
    "tools",
    "preflight-failed",
    `missing system tools: ${missingTools.join(", ")}`,
    `apt-get install ${packages.join(" ")}`,
  );
}

/** Debian packages whose name is not the tool's. */
const packageOf: Record<string, string> = {
  ip: "iproute2",
  nft: "nftables",
  ps: "procps",
  mount: "mount",
  umount: "mount",
  nsenter: "util-linux",
};

const littleMemory = 256 * 1024 ** 2;
const littleDisk = 1024 ** 3;

export function memoryCheck({ memory }: HostFacts): Verdict {
  const message = `${bytes(memory.availableBytes)} of ${bytes(memory.totalBytes)} memory free`;
  if (memory.availableBytes >= littleMemory) return ok("memory", message);
  return warn("memory", message, "stop what is not needed: a container arrives with twice its memory");
}

export function diskCheck({ disk }: HostFacts): Verdict {
  const message = `${bytes(disk.dockerFreeBytes)} free for containers, ${bytes(disk.storeFreeBytes)} for checkpoints`;
  if (Math.min(disk.dockerFreeBytes, disk.storeFreeBytes) >= littleDisk) return ok("disk", message);
  return warn("disk", message, "docker system prune, or remove checkpoints with 'godwit checkpoint rm'");
}
