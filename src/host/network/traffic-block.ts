import { readlink } from "node:fs/promises";
import { execa } from "execa";
import { run } from "../proc/process.ts";

const everything = (family: string, except = { input: "", output: "" }) => `table ${family} godwit {
  chain input { type filter hook input priority ${family === "arp" ? 0 : -500}; policy drop; ${except.input} }
  chain output { type filter hook output priority ${family === "arp" ? 0 : -500}; policy drop; ${except.output} }
}
`;
/**
 * Only TCP sends without its program. What programs send is not blocked, because a program that still runs, or runs already, would
 * get an error (EPERM).
 */
const byPrograms = "meta l4proto != tcp accept;";
const nothing = (family: string) => `add table ${family} godwit\ndelete table ${family} godwit\n`;

/** For nft, in a container's network namespace: what its kernel sends by itself does not go out, and nothing comes in. */
const blockRules: string = everything("inet", { input: "", output: byPrograms });
/**
 * The same towards others for a copy that Docker has not connected yet; within it, only a refusal by a socket that is not there yet
 * is kept back. (CRIU brings a connection whose peer has said its end to that state by a packet to the container itself.) Docker 28
 * tells its neighbours of an IPv6 address by a program of its own.
 */
export const arrivalBlockRules: string = everything("inet", {
  input: "iif lo accept;",
  output: `oif lo tcp flags & rst == rst drop; oif lo accept; ${byPrograms}`,
});
/** Removes these rules. Harmless where there are none. */
export const unblockRules: string = nothing("inet");

/** Connections end: a peer that sends something gets a reset, and what the kernel sends at their end goes out. */
const endRules = `${unblockRules}table inet godwit {
  chain input { type filter hook input priority -500; meta l4proto tcp reject with tcp reset; }
}
`;

/** An nft that waits for its rules. */
export interface PreparedBlock {
  block(): Promise<void>;
  /** Ends it. Harmless after `block`. */
  drop(): void;
}

/**
 * Starts nft before the freeze, because its start takes longer than its rules. The rules keep the kernel from answering for a frozen
 * container: what the kernel acknowledged would be missing where the container runs next. CRIU's own lock does the same, but its
 * removal takes about 70 ms of the downtime.
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

/** Lets traffic pass again. TCP sends again what was dropped. Harmless where nothing is blocked. */
export async function unblockTraffic(pid: number): Promise<void> {
  await nft(pid, nothing("inet"));
  // A kernel without nftables for ARP has blocked nothing there.
  await nft(pid, nothing("arp")).catch(() => {});
}

/** The connections of a container whose successor has none of them end, as its peers see it. */
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
