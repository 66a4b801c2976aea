import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GodwitError } from "../contract/errors.ts";
import { type Authority, issueCertificate } from "../transport/certificates.ts";
import { makeCgroups, removeCgroup } from "./cgroup.ts";
import { daemon, until } from "./daemon.ts";
import { labRun } from "./exec.ts";
import { ensureLink } from "./lan.ts";
import { checkoutDir, hostFolder, rootsDir, script } from "./paths.ts";
import type { ProcessId } from "./pid.ts";
import { agentAnswers, dockerVersion } from "./probe.ts";
import type { OnProgress } from "./roots.ts";
import { hostCgroup, inHost, type LabState, livingHost } from "./state.ts";

type Host = LabState["hosts"][number];

const agentPort = 7480;
const setupMark = "/run/lab/setup.done";

/** Whether a host whose `godwit setup` fails or whose agent does not answer makes `lab up` fail. */
const requireAgent = true;

/** Brings a host up, or what is missing of it; what runs is left alone. A dead host comes back with its disk. */
export async function ensureHost(
  state: LabState,
  host: Host,
  lan: ProcessId,
  authority: Authority,
  onProgress: OnProgress,
): Promise<void> {
  let init = livingHost(state.name, host.name);
  if (!init) {
    await writeDisk(state, host, authority);
    init = await start(state, host);
  }
  await ensureLink(lan, host, init);
  const version = await until(() => dockerVersion(init), 60_000, 20);
  if (version === undefined) throw await failed(state, host, "Docker does not answer", "/var/log/dockerd.log");
  if (!existsSync(inHost(init, setupMark))) {
    await setUp(state, host, init);
    onProgress(`${host.name}: up, ${host.address}, Docker ${version}`);
  }
  if (requireAgent && !(await until(async () => (await agentAnswers(init)) || undefined, 30_000, 20))) {
    throw await failed(state, host, "the agent does not answer", "/var/log/godwit-agent.log");
  }
}

// The upper layer of the host's root, written before the host starts. On a disk that exists only what is missing is
// written: the host may have changed the rest.
async function writeDisk(state: LabState, host: Host, authority: Authority): Promise<void> {
  const folder = hostFolder(state.name, host.name);
  for (const part of ["upper", "work", "root"]) mkdirSync(join(folder, part), { recursive: true });
  const write = (path: string, text: string, mode = 0o644) => {
    const file = join(folder, "upper", path);
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file)) writeFileSync(file, text, { mode });
  };
  const listen = (address: string) => `${address}:${agentPort}`;
  const config = {
    name: host.name,
    listen: listen(host.address),
    hosts: Object.fromEntries(state.hosts.map(({ name, address }) => [name, listen(address)])),
  };
  const names = state.hosts.map(({ name, address }) => `${address} ${name}\n`).join("");
  write("etc/hostname", `${host.name}\n`);
  write("etc/hosts", `127.0.0.1 localhost\n${names}`);
  // Nothing outside can be reached, and a name server that does not answer makes programs hang.
  write("etc/resolv.conf", "");
  write("etc/docker/daemon.json", `${JSON.stringify({ experimental: true }, null, 2)}\n`);
  write("etc/godwit/agent.json", `${JSON.stringify(config, null, 2)}\n`);
  const issued = await issueCertificate(authority, { name: host.name, addresses: [host.address] });
  const pki = join(folder, "upper/etc/godwit/pki");
  if (!existsSync(join(pki, "key.pem"))) {
    write("etc/godwit/pki/ca.pem", authority.certificate, 0o600);
    write("etc/godwit/pki/cert.pem", issued.certificate, 0o600);
    write("etc/godwit/pki/key.pem", issued.key, 0o600);
  }
  const command = join(folder, "upper/usr/local/bin/godwit");
  mkdirSync(dirname(command), { recursive: true });
  rmSync(command, { force: true });
  symlinkSync("/opt/godwit/bin/godwit", command);
}

async function start(state: LabState, host: Host): Promise<ProcessId> {
  const folder = hostFolder(state.name, host.name);
  const cgroup = hostCgroup(state.name, host.name);
  await removeCgroup(cgroup);
  makeCgroups(
    state.name,
    state.hosts.map(({ name }) => name),
  );
  const args = [cgroup, folder, join(rootsDir(), host.root), checkoutDir(), host.name];
  return daemon("sh", [script("enter-host.sh"), ...args], join(folder, "host.log"), () =>
    livingHost(state.name, host.name),
  );
}

async function setUp(state: LabState, host: Host, init: ProcessId): Promise<void> {
  const result = await labRun(state.name, host.name, ["godwit", "setup"]);
  if (result.status === 0) writeFileSync(inHost(init, setupMark), "");
  else if (requireAgent) {
    throw new GodwitError("lab-failed", `'godwit setup' failed in the host ${host.name}.`, {
      hint: `Run it again: godwit lab exec --name ${state.name} ${host.name} -- godwit setup`,
      details: `${result.stdout}${result.stderr}`.trim().split("\n").slice(-12),
    });
  }
}

async function failed(state: LabState, host: Host, what: string, log: string): Promise<GodwitError> {
  const lines = await labRun(state.name, host.name, ["tail", "-n", "12", log]).catch(() => undefined);
  return new GodwitError("lab-failed", `The host ${host.name} is up, but ${what}.`, {
    hint: `Its log: godwit lab exec --name ${state.name} ${host.name} -- cat ${log}`,
    details: lines?.stdout.trim().split("\n") ?? [],
  });
}
