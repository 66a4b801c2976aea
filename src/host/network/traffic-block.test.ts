import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { endConnections, prepareBlock, unblockTraffic } from "./traffic-block.ts";

// Each test makes two network namespaces and a cable between them: `neighbour` and `container`. A fault of the code can silence only
// these, and never this machine.
const address = "10.211.0.2";
const children: ChildProcess[] = [];
let neighbour = 0;
let container = 0;

const start = (command: string, args: string[]) => {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return child;
};
const inNetwork = (pid: number, command: string, ...args: string[]): [string, string[]] => [
  "nsenter",
  ["--target", String(pid), "--net", command, ...args],
];
const runIn = (pid: number, command: string, ...args: string[]) =>
  execFileSync(...inNetwork(pid, command, ...args), { encoding: "utf8" });
const ruleset = (pid: number) => runIn(pid, "nft", "list", "ruleset");

/** @returns the process that holds a network namespace of its own */
async function newNetwork(): Promise<number> {
  const { pid = 0 } = start("unshare", ["--net", "sleep", "600"]);
  while (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync("/proc/self/ns/net")) await delay(5);
  runIn(pid, "ip", "link", "set", "lo", "up");
  return pid;
}

/** An open connection from the neighbour to a program of the container that sends every line back. */
async function connection() {
  const echo = `require("net").createServer((s) => s.on("error", () => {}).pipe(s)).listen(7000, () => console.log("ready"))`;
  await once(start(...inNetwork(container, process.execPath, "-e", echo)).stdout as NodeJS.ReadableStream, "data");
  const client = `const s = require("net").connect(7000, "${address}");
    s.on("error", (error) => console.log(error.code)); process.stdin.pipe(s); s.pipe(process.stdout)`;
  const { stdin, stdout } = start(...inNetwork(neighbour, process.execPath, "-e", client));
  const heard: string[] = [];
  createInterface({ input: stdout as NodeJS.ReadableStream }).on("line", (line) => heard.push(line));
  return {
    heard,
    say: (line: string) => stdin?.write(`${line}\n`),
    /** Fails where nothing more comes. */
    hears: (line: string) => expect.poll(() => heard.at(-1), { timeout: 10_000, interval: 20 }).toBe(line),
  };
}

describe.runIf(process.getuid?.() === 0)("the network of a container", () => {
  beforeEach(async () => {
    neighbour = await newNetwork();
    container = await newNetwork();
    const cable = ["type", "veth", "peer", "name", "c0", "netns", String(container)];
    runIn(neighbour, "ip", "link", "add", "n0", ...cable);
    for (const [pid, device, own] of [
      [neighbour, "n0", "10.211.0.1"],
      [container, "c0", address],
    ] as const) {
      runIn(pid, "ip", "address", "add", `${own}/24`, "dev", device);
      runIn(pid, "ip", "link", "set", device, "up");
    }
  });
  afterEach(async () => {
    const ended = children.splice(0).map((child) => {
      const end = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGKILL");
      return end;
    });
    await Promise.all(ended);
  });

  test("passes nothing while it is silenced, and afterwards what was sent meanwhile", async () => {
    const { heard, say, hears } = await connection();
    say("before");
    await hears("before");
    const held = await prepareBlock(container);
    say("held");
    await hears("held");
    await held.block();
    say("silenced");
    await delay(700);
    expect(heard).toEqual(["before", "held"]);
    await unblockTraffic(container);
    await hears("silenced");
    say("after");
    await hears("after");
    expect(heard).toEqual(["before", "held", "silenced", "after"]);
    expect(ruleset(container)).toBe("");
  });

  test("does not answer who asks for its address while it is silenced", async ({ skip }) => {
    const knowsArp = spawnSync(...inNetwork(container, "nft", "add table arp probe; delete table arp probe"));
    skip(knowsArp.status !== 0, "this kernel has no nftables for ARP");
    const datagram = `IO::Socket::INET->new(PeerAddr => "${address}", PeerPort => 9, Proto => "udp")->send("x")`;
    const isFound = async () => {
      runIn(neighbour, "ip", "neighbour", "flush", "dev", "n0");
      runIn(neighbour, "perl", "-MIO::Socket::INET", "-e", datagram);
      await delay(200);
      return runIn(neighbour, "ip", "neighbour", "show", address).includes("lladdr");
    };
    expect(await isFound()).toBe(true);
    await (await prepareBlock(container)).block();
    expect(await isFound()).toBe(false);
    await unblockTraffic(container);
    expect(await isFound()).toBe(true);
  });

  test("is left alone where the silence is dropped", async () => {
    const { say, hears } = await connection();
    (await prepareBlock(container)).drop();
    await delay(300);
    say("after");
    await hears("after");
    expect(ruleset(container)).toBe("");
  });

  test("resets the connections that end, silenced as they are", async () => {
    const { say, hears } = await connection();
    say("before");
    await hears("before");
    await (await prepareBlock(container)).block();
    await endConnections(container);
    say("after");
    await hears("ECONNRESET");
  });

  test("is never silenced where it is the host's own", async () => {
    // This process is the agent, and its network is that of the host.
    const source = new URL("traffic-block.ts", import.meta.url).pathname;
    const agent = `const { endConnections, prepareBlock } = await import(process.argv[1]);
      await (await prepareBlock(process.pid)).block();
      await endConnections(process.pid);
      const net = await import("node:net");
      const server = net.createServer((socket) => socket.end("heard")).listen(7001, "127.0.0.1", () => {
        net.connect(7001, "127.0.0.1").on("data", (data) => console.log(String(data))).on("close", () => server.close());
      });
      setTimeout(() => process.exit(1), 5000).unref();`;
    const [command, args] = inNetwork(neighbour, process.execPath, "--input-type=module", "-e", agent, source);
    expect(execFileSync(command, args, { encoding: "utf8", timeout: 20_000 })).toBe("heard\n");
    expect(ruleset(neighbour)).toBe("");
  });
});
