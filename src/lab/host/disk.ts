import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Authority, issueCertificate } from "../../transport/certificates.ts";
import type { LabState } from "../state.ts";

type Host = LabState["hosts"][number];

const agentPort = 7480;

/**
 * Writes the files that differ between hosts into `upper`, the layer above the shared root, before the host starts. Files
 * that exist are kept: the host may have changed them.
 */
export async function writeUpper(state: LabState, host: Host, authority: Authority, upper: string): Promise<void> {
  const write = (path: string, text: string, mode = 0o644) => {
    const file = join(upper, path);
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
  // No name server: nothing outside can be reached, and one that does not answer makes programs hang.
  write("etc/resolv.conf", "");
  write("etc/docker/daemon.json", `${JSON.stringify({ experimental: true }, null, 2)}\n`);
  write("etc/godwit/agent.json", `${JSON.stringify(config, null, 2)}\n`);
  const issued = await issueCertificate(authority, { name: host.name, addresses: [host.address] });
  if (!existsSync(join(upper, "etc/godwit/pki/key.pem"))) {
    write("etc/godwit/pki/ca.pem", authority.certificate, 0o600);
    write("etc/godwit/pki/cert.pem", issued.certificate, 0o600);
    write("etc/godwit/pki/key.pem", issued.key, 0o600);
  }
  const link = (path: string, target: string) => {
    const place = join(upper, path);
    mkdirSync(dirname(place), { recursive: true });
    rmSync(place, { force: true });
    symlinkSync(target, place);
  };
  link("usr/local/bin/godwit", "/opt/godwit/bin/godwit");
  // The agent and runc find it before the host's own CRIU: see src/lab/criu.
  link("usr/local/sbin/criu", "/opt/godwit/dist/lab/criu");
}
