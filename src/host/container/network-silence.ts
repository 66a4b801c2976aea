import { run } from "../process.ts";

/** Drops everything that comes in or goes out, in the container's own network namespace. */
const rules = `table inet godwit {
  chain input { type filter hook input priority -500; policy drop; }
  chain output { type filter hook output priority -500; policy drop; }
}
`;

/**
 * Keeps the kernel from answering for a frozen container: what it acknowledged now would be missing where the container runs
 * next. CRIU's own lock does the same, but takes about 70 ms of the downtime to take off again.
 */
export async function silenceNetwork(pid: number): Promise<void> {
  await run("nsenter", ["--target", String(pid), "--net", "nft", "-f", "-"], { input: rules });
}

/** Lets it speak again; the other side repeats what was dropped. Harmless where it was not silenced. */
export async function unsilenceNetwork(pid: number): Promise<void> {
  await run("nsenter", ["--target", String(pid), "--net", "nft", "delete", "table", "inet", "godwit"], { accept: [1] });
}
