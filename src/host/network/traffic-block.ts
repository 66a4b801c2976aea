import { readlink } from "node:fs/promises";
import { execa } from "execa";
import { run } from "../proc/process.ts";

const everything = (family: string, except = { input: "", output: "" }) => `table ${family} godwit {
  chain input { type filter hook input priority ${family === "arp" ? 0 : -500}; policy drop; ${except.input} }
  chain output { type filter hook output priority ${family === "arp" ? 0 : -500}; policy drop; ${except.output} }
}
`;
/**
 * Accepts everything but TCP. Only TCP sends packets while its program stands still. The packets of other protocols come from a
 * running program, which would get an error (EPERM).
 */
const byPrograms = "meta l4proto != tcp accept;";
const nothing = (family: string) => `add table ${family} godwit\ndelete table ${family} godwit\n`;

/** Rules for nft in a container's network namespace: no packet comes in, and TCP sends none. */
const blockRules: string = everything("inet", { input: "", output: byPrograms });
/**
 * The same rules for a container that Docker has not connected to its network yet, with an open loopback. On the loopback only resets
 * are dropped, because a socket that is not restored yet would cause one. The loopback must be open for CRIU: it sends a packet
 * within the container to restore a connection that the peer has closed. Docker 28 announces an IPv6 address by its
 * own program, which these rules let pass.
 */
export const arrivalBlockRules: string = everything("inet", {
  input: "iif lo accept;",
  output: `oif lo tcp flags & rst == rst drop; oif lo accept; ${byPrograms}`,
});
/** Removes these rules. Harmless where there are none. */
export const unblockRules: string = nothing("inet");

/** Rules that end connections: a peer that sends a packet gets a reset, and the packets that the kernel sends go out. */
const endRules = `${unblockRules}table inet godwit {
  chain input { type filter hook input priority -500; meta l4proto tcp reject with tcp reset; }
}
`;

/** An nft that waits for its rules. */
export interface PreparedBlock {
  /** Returns when traffic is blocked. @throws command-failed */
  block(): Promise<void>;
  /** Ends nft. Harmless after `block`. */
  drop(): void;
}

/**
 * Starts nft before the freeze, because its start takes longer than its rules. The rules keep the kernel from answering for a frozen
 * container: data that the kernel acknowledges after the dump would be lost. CRIU's own network lock does the same, but its removal
 * costs about 70 ms of downtime.
 * @param pid a process in the container's network namespace
 */
export async function prepareBlock(pid: number): Promise<PreparedBlock> {
  if (await isHostNetwork(pid)) return { block: async () => {}, drop: () => {} };
  const child = execa("nsenter", nftIn(pid), { reject: false });
  return {
    async block() {
      child.stdin.end(blockRules + everything("arp"));
      // ARP is blocked too, if the kernel has nftables for it.
      if ((await child).exitCode !== 0) await nft(pid, unblockRules + blockRules);
    },
    drop: () => child.stdin.end(),
  };
}

/** Lets traffic pass again. TCP repeats what was dropped. Harmless where nothing is blocked. @throws command-failed */
export async function unblockTraffic(pid: number): Promise<void> {
  await nft(pid, nothing("inet"));
  // A kernel without nftables for ARP has blocked nothing there.
  await nft(pid, nothing("arp")).catch(() => {});
}

/** Ends the connections of a container that moved without them: its peers get resets. @throws command-failed */
export async function endConnections(pid: number): Promise<void> {
  await nft(pid, endRules);
  await nft(pid, nothing("arp")).catch(() => {});
}

async function nft(pid: number, rules: string): Promise<void> {
  if (!(await isHostNetwork(pid))) await run("nsenter", nftIn(pid), { input: rules });
}

const nftIn = (pid: number) => ["--target", String(pid), "--net", "nft", "-f", "-"];

/** The network of the host itself is never blocked. */
export async function isHostNetwork(pid: number): Promise<boolean> {
  const [own, its] = await Promise.all(["self", pid].map((of) => readlink(`/proc/${of}/ns/net`)));
  return own === its;
}
