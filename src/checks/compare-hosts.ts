import type { HostFacts, Verdict } from "../contract/facts.ts";
import { versionAtLeast, versionOf } from "../contract/units.ts";
import { fail, ok, warn } from "./verdict.ts";

/** What two hosts must have in common, one line each, and what a difference forbids. */
export function compareHosts(a: HostFacts, b: HostFacts): Verdict[] {
  return [agents(a, b), architecture(a, b), ...cgroups(a, b), ...criu(a, b), kernels(a, b), ...modes(a, b)];
}

function agents(a: HostFacts, b: HostFacts): Verdict {
  if (a.protocol === b.protocol && a.agentVersion === b.agentVersion) {
    return ok("agent", `both agents are godwit ${a.agentVersion}`);
  }
  const say = (host: HostFacts) => `${host.agentVersion} (protocol ${host.protocol}) on ${host.name}`;
  return fail(
    "agent",
    "incompatible-agent",
    `the agents are of different versions: ${say(a)}, ${say(b)}`,
    "install the same version of godwit on both hosts",
  );
}

function architecture(a: HostFacts, b: HostFacts): Verdict {
  if (a.architecture === b.architecture) return ok("architecture", `both are ${a.architecture}`);
  return fail(
    "architecture",
    "preflight-failed",
    `${a.name} is ${a.architecture}, ${b.name} is ${b.architecture}: processes cannot go from one to the other`,
    `use a destination with ${a.architecture}`,
  );
}

function cgroups(a: HostFacts, b: HostFacts): Verdict[] {
  if (!a.docker || !b.docker) return [];
  const [x, y] = [a.docker.cgroupVersion, b.docker.cgroupVersion];
  if (x === y) return [ok("cgroup", `both have cgroup version ${x}`)];
  const old = x === "1" ? a : b;
  return [
    fail(
      "cgroup",
      "preflight-failed",
      `${a.name} has cgroup version ${x}, ${b.name} version ${y}: CRIU cannot translate`,
      `boot ${old.name} with systemd.unified_cgroup_hierarchy=1`,
    ),
  ];
}

function criu(a: HostFacts, b: HostFacts): Verdict[] {
  if (!a.criu || !b.criu) return [];
  const [x, y] = [versionOf(a.criu.version), versionOf(b.criu.version)];
  if (x.join(".") === y.join(".")) return [ok("criu-versions", `both have CRIU ${x.join(".")}`)];
  const older = versionAtLeast(x, y) ? b : a;
  return [
    fail(
      "criu-versions",
      "preflight-failed",
      `${a.name} has CRIU ${a.criu.version}, ${b.name} has ${b.criu.version}: their page servers do not understand each other`,
      `install CRIU ${(older === a ? y : x).join(".")} on ${older.name}`,
    ),
  ];
}

function kernels(a: HostFacts, b: HostFacts): Verdict {
  const [x, y] = [versionOf(a.kernel), versionOf(b.kernel)];
  if (x.join(".") === y.join(".")) return ok("kernel", `both have kernel ${x.join(".")}`);
  const older = versionAtLeast(x, y) ? b : a;
  return warn(
    "kernel",
    `${a.name} has kernel ${a.kernel}, ${b.name} ${b.kernel}: a program that uses what only the newer has cannot be restored on ${older.name}`,
    `if a restore on ${older.name} fails, update its kernel`,
  );
}

/** Which kinds of a move the two kernels allow; that a host cannot do one is no fault of it. */
function modes(a: HostFacts, b: HostFacts): Verdict[] {
  if (!a.criu || !b.criu) return [];
  const without = (has: (host: HostFacts) => boolean | undefined) =>
    [a, b].filter((host) => !has(host)).map((host) => host.name);
  const precopy = without((host) => host.criu?.dirtyTracking);
  const postcopy = without((host) => host.criu?.lazyPages);
  const say = (mode: string, missing: string[], what: string) =>
    missing.length === 0 ? `${mode} possible` : `no ${mode} (no ${what} on ${missing.join(" and ")})`;
  return [
    ok(
      "modes",
      `${say("pre-copy", precopy, "dirty tracking")}, ${say("post-copy", postcopy, "userfaultfd")}, cold possible`,
    ),
  ];
}
