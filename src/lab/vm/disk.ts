import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Authority } from "../../transport/certificates.ts";
import { writeUpper } from "../host/disk.ts";
import { controlAddress, gateway } from "../lan/lan.ts";
import { hostFolder, script } from "../paths.ts";
import { removeTree } from "../roots/roots.ts";
import { must } from "../run.ts";
import type { LabState } from "../state.ts";
import { copyCheckout } from "./checkout.ts";
import { controlSocket, socketForwards } from "./reach.ts";

type Host = LabState["hosts"][number];

/** Space for what Docker and CRIU keep. The file is sparse: only what is written takes space. */
const diskSize = "24G";

/** Makes a virtual machine's own disk, and the keys and the configuration for ssh into it. Does nothing if the disk exists. */
export async function ensureDisk(state: LabState, host: Host, authority: Authority): Promise<void> {
  const folder = hostFolder(state.name, host.name);
  const disk = join(folder, "disk.img");
  if (existsSync(disk)) return;
  const seed = join(folder, "seed");
  await removeTree(seed);
  for (const part of ["upper", "work", "root", "docker", "containerd", "containers", "godwit"]) {
    mkdirSync(join(seed, part), { recursive: true });
  }
  const upper = join(seed, "upper");
  await writeUpper(state, host, authority, upper);
  writeScripts(host, join(upper, "opt/lab"));
  await writeKeys(host, folder, join(upper, "etc/ssh"));
  await copyCheckout(folder, join(upper, "opt/godwit"));
  // The disk gets its name when it is complete.
  const options = ["-q", "-t", "ext4", "-m", "0", "-E", "assume_storage_prezeroed=1"];
  const make = ["mke2fs", ...options, "-d", seed, `${disk}.new`, diskSize];
  // mke2fs is killed when this process ends: it must not write while `lab down` removes the folder.
  await must("setpriv", ["--pdeathsig", "KILL", ...make]);
  await removeTree(seed);
  renameSync(`${disk}.new`, disk);
}

function writeScripts(host: Host, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ["vm/guest/init.sh", "vm/guest/exec.sh", "vm/guest/clock.pl", "supervisor.sh"]) {
    copyFileSync(script(name), join(folder, basename(name)));
  }
  const settings = {
    NAME: host.name,
    ADDRESS: host.address,
    GATEWAY: gateway,
    CONTROL: controlAddress(host.address),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(folder, "settings"), lines.join(""));
}

// Both sides identify each other by keys that are made for this host alone.
async function writeKeys(host: Host, folder: string, inside: string): Promise<void> {
  mkdirSync(inside, { recursive: true });
  await removeTree(join(folder, "key"));
  const make = (file: string) => must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", file]);
  await make(join(folder, "key"));
  await make(join(inside, "lab_key"));
  copyFileSync(join(folder, "key.pub"), join(inside, "lab_authorized_keys"));
  const sshd = [
    `ListenAddress ${controlAddress(host.address)}`,
    "HostKey /etc/ssh/lab_key",
    "AuthorizedKeysFile /etc/ssh/lab_authorized_keys",
    "PermitRootLogin prohibit-password",
    "UsePAM no",
    "UseDNS no",
    // Every command of the lab is a session of one connection.
    "MaxSessions 1000",
  ];
  writeFileSync(join(inside, "lab_sshd_config"), `${sshd.join("\n")}\n`);
  const publicKey = (await must("ssh-keygen", ["-y", "-f", join(inside, "lab_key")])).trim();
  writeFileSync(join(folder, "known_hosts"), `machine ${publicKey}\n`);
  const ssh = [
    "Host machine",
    `HostName ${controlAddress(host.address)}`,
    "User root",
    "HostKeyAlias machine",
    `IdentityFile ${join(folder, "key")}`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${join(folder, "known_hosts")}`,
    "StrictHostKeyChecking yes",
    "BatchMode yes",
    "ConnectTimeout 60",
    "ServerAliveInterval 15",
    "ServerAliveCountMax 8",
    `ControlPath ${controlSocket(folder)}`,
    "StreamLocalBindUnlink yes",
    ...socketForwards(folder).map((forward) => `LocalForward ${forward}`),
  ];
  writeFileSync(join(folder, "ssh_config"), `${ssh.join("\n")}\n`);
}
