import { readlink } from "node:fs/promises";
import { execa } from "execa";
import { run } from "../proc/process.ts";

const everything = (family: string, except = { input: "", output: "" }) => `table ${family} godwit {
  chain input { type filter hook input priority ${family === "arp" ? 0 : -500}; policy drop; ${except.input} }
  chain output { type filter hook output priority ${family === "arp" ? 0 : -500}; policy drop; ${except.output} }
}
`;
/**
 * Only TCP speaks by itself, without its program, where nothing comes in. A program that still runs, or runs already, would be told
 * of a datagram that is kept back (EPERM).
 */
const byPrograms = "meta l4proto != tcp accept;";
const nothing = (family: string) => `add table ${family} godwit\ndelete table ${family} godwit\n`;

/** For nft, in the network namespace of a container: nothing that its kernel says goes out, nothing that it is told comes in. */
const silenceRules: string = everything("inet", { input: "", output: byPrograms });
/**
 * The same towards others for a copy that Docker has not connected yet; within it, only a refusal by a socket that is not there yet
 * is kept back. (CRIU brings a connection whose peer has said its end to that state by a packet to the container itself.) Docker 28
 * tells its neighbours of an IPv6 address by a program of its own.
 */
export const arrivingRules: string = everything("inet", {
  input: "iif lo accept;",
  output: `oif lo tcp flags & rst == rst drop; oif lo accept; ${byPrograms}`,
});
/** Takes that back. Harmless where there is nothing to take back. */
export const speakRules: string = nothing("inet");

/** What was established before is over: whoever still speaks to it is told so, and what the kernel says of the end goes out. */
const endRules = `${speakRules}table inet godwit {
  chain input { type filter hook input priority -500; meta l4proto tcp reject with tcp reset; }
}
`;

/** What is ready to silence a container. */
export interface HeldSilence {
  silence(): Promise<void>;
  /** Nothing comes of it any more, unless it has been. */
  drop(): void;
}

/**
 * Starts nft, which waits for its rules: it takes longer to start than to take them. They keep the kernel from answering for a
 * frozen container: what it acknowledged now would be missing where the container runs next. CRIU's own lock does the same, but
 * takes about 70 ms of the downtime to take off again.
 */
export async function holdSilence(pid: number): Promise<HeldSilence> {
  if (await isHostNetwork(pid)) return { silence: async () => {}, drop: () => {} };
  const child = execa("nsenter", nftIn(pid), { reject: false });
  return {
    async silence() {
      child.stdin.end(silenceRules + everything("arp"));
      // Who asks for its address gets no answer either, unless the kernel has no nftables for ARP.
      if ((await child).exitCode !== 0) await nft(pid, speakRules + silenceRules);
    },
    drop: () => child.stdin.end(),
  };
}

/** Lets its traffic pass again; the other side repeats what was dropped. Harmless where it passed. */
export async function unsilenceNetwork(pid: number): Promise<void> {
  await nft(pid, nothing("inet"));
  // Its kernel may have no nftables for ARP: then nothing was silenced there.
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

/** The network of the host itself is nobody's to silence. */
export async function isHostNetwork(pid: number): Promise<boolean> {
  const [own, its] = await Promise.all(["self", pid].map((of) => readlink(`/proc/${of}/ns/net`)));
  return own === its;
}
