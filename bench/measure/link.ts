import { type BenchLab, hosts, toolFolder } from "./bench-lab.ts";

const node = "$(echo /opt/godwit/node_modules/node-linux-*/bin/node)";
const port = 7490;
const probeMiB = 128;

/** Limits what each host sends, in 10^6 bits a second, or lifts the limit (null). */
export async function limitLink(lab: BenchLab, mbits: number | null): Promise<void> {
  const change =
    mbits === null
      ? "tc qdisc del dev eth0 root 2>/dev/null || true"
      : `tc qdisc replace dev eth0 root tbf rate ${mbits}mbit burst 256kb latency 50ms`;
  await Promise.all(hosts.map((host) => lab.on(host, change)));
}

/** Starts the receiver of streams on h2. It runs until the lab goes down. */
export async function listenForStreams(lab: BenchLab): Promise<void> {
  const listener = `${node} ${toolFolder}/stream.mjs listen h2 h1 10.88.0.2:${port}`;
  await lab.on("h2", `setsid ${listener} >/run/bench-stream.log 2>&1 </dev/null & sleep 0.1`);
  await lab.on(
    "h2",
    "for _ in $(seq 100); do grep -q listening /run/bench-stream.log && exit 0; sleep 0.1; done; cat /run/bench-stream.log; exit 1",
  );
}

/** Sends so many mebibytes from h1 to h2. @returns the seconds that this took: see programs/stream.ts */
export async function sendStream(lab: BenchLab, kind: "raw" | "tls", mebibytes: number): Promise<number> {
  const sender = `${node} ${toolFolder}/stream.mjs send ${kind} h2 10.88.0.2:${port} ${mebibytes}`;
  return Number(await lab.on("h1", sender));
}

/** What the link carries over bare TCP, in 10^6 bits a second. */
export async function linkRate(lab: BenchLab): Promise<number> {
  return (probeMiB * 2 ** 20 * 8) / 1e6 / (await sendStream(lab, "raw", probeMiB));
}
