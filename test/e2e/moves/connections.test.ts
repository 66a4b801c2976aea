import { beforeAll, describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { countsOn, expectConsecutive } from "../support/looper.ts";
import { eventually } from "../support/wait.ts";

const lab = useLab("connections", ["trixie", "forky", "trixie"], ["busybox"]);
const [server, client] = ["10.88.0.100", "10.88.0.101"];

beforeAll(async () => {
  await lab.godwit("lab", "image", "h3", "busybox");
  for (const host of ["h1", "h2", "h3"])
    await lab.on(
      host,
      "docker network create -d macvlan --subnet 10.88.0.0/24 --ip-range 10.88.0.128/25 -o parent=eth0 lan",
    );
});

/** A client on h3 that sends a number every 50 ms over one connection, and logs what it receives. */
async function startClient(address: string, flags: string): Promise<void> {
  const numbers = "i=0; while echo $i; do i=$((i+1)); sleep 0.05; done";
  await lab.on(
    "h3",
    `docker run --pull never -d --name client ${flags} busybox sh -c '(${numbers}) | nc ${address} 7000; echo ended'`,
  );
  await receivesOn();
}

const received = async () => (await lab.on("h3", "docker logs client 2>&1")).split("\n");

/** The client receives more, and it received every number once, in order. */
async function receivesOn(): Promise<void> {
  const before = (await received()).length;
  const all = await eventually("the client receives more", async () => {
    const now = await received();
    return now.length > before + 20 || now.includes("ended") ? now : undefined;
  });
  expectConsecutive(all.map(Number));
}

/** The server is the container's own program: what `docker exec` started does not move. */
const startServer = (flags: string) =>
  lab.on(
    "h1",
    `docker run --pull never -d --name server ${flags} busybox sh -c 'nc -ll -p 7000 -e cat & i=0; while echo $i; do i=$((i+1)); sleep 0.1; done'`,
  );

describe("an established connection", () => {
  test("on a macvlan goes on after moves in both modes, and loses no byte", async () => {
    await startServer(`--network lan --ip ${server}`);
    await startClient(server, `--network lan --ip ${client}`);
    for (const [from, to, mode] of [
      ["h1", "h2", "cold"],
      ["h2", "h1", "postcopy"],
    ] as const) {
      await lab.json("migrate", `${from}/server`, to, "--mode", mode);
      await receivesOn();
      expectConsecutive(await countsOn(lab, to, "server"));
    }
  });

  test("goes on with an address that Docker chose, and after a move that is cancelled while the container is frozen", async () => {
    await startServer("--network lan");
    const address = await lab.on("h1", "docker inspect -f '{{.NetworkSettings.Networks.lan.IPAddress}}' server");
    await startClient(address, `--network lan --ip ${client}`);
    const cancel = ({ pid }: { pid: number }) => Promise.resolve(process.kill(pid, "SIGINT"));
    const { status } = await lab.during("switchover", cancel, "migrate", "h1/server", "h2");
    await receivesOn();
    const [from, to] = status === 0 ? ["h2", "h1"] : ["h1", "h2"];
    await lab.json("migrate", `${from}/server`, to ?? "");
    await receivesOn();
    const mac = "docker inspect -f '{{.NetworkSettings.Networks.lan.IPAddress}}' server";
    expect(await lab.on(to ?? "", mac)).toBe(address);
  });

  test.each(isFullRun ? ["cold", "postcopy"] : ["postcopy"])(
    "is closed with --tcp close, which both ends see, in mode %s",
    async (mode) => {
      await startServer(`--network lan --ip ${server}`);
      await startClient(server, `--network lan --ip ${client}`);
      await lab.json("migrate", "h1/server", "h2", "--tcp", "close", "--mode", mode);
      await eventually("the client has seen the end", async () => (await received()).includes("ended") || undefined);
      expectConsecutive(await countsOn(lab, "h2", "server"));
      await eventually("the server's child has ended", async () => {
        const processes = await lab.on("h2", "docker exec server ps");
        return !/root +cat$/m.test(processes) || undefined;
      });
      expect(
        await lab.on("h3", `docker run --rm --network lan busybox sh -c 'echo again | nc -w 2 ${server} 7000'`),
      ).toBe("again");
    },
  );
});

const thereAndBack = [
  ["h1", "h2", "postcopy"],
  ["h2", "h1", "cold"],
] as const;

test("a connection that its peer has half closed goes on in the other direction", async () => {
  // It sends numbers after it has read all of its input.
  const answers = "cat; i=0; while echo $i; do i=$((i+1)); sleep 0.05; done";
  await lab.on(
    "h1",
    `docker run --pull never -d --name server --network lan --ip ${server} busybox nc -ll -p 7000 -e sh -c '${answers}'`,
  );
  await lab.on(
    "h3",
    `docker run --pull never -d --name client --network lan --ip ${client} busybox sh -c 'nc ${server} 7000 </dev/null; echo ended'`,
  );
  await receivesOn();
  for (const [from, to, mode] of thereAndBack) {
    await lab.json("migrate", `${from}/server`, to, "--mode", mode);
    await receivesOn();
  }
});

test.each([
  ["a macvlan", `--network lan --ip ${client}`],
  ["Docker's own bridge, from another address", ""],
])("a connection that a program is still opening is opened after the move, on %s", async (_, flags) => {
  await lab.on(
    "h3",
    `docker run --pull never -d --name server --network lan --ip ${server} busybox nc -ll -p 7000 -e cat`,
  );
  const program = `until [ -e /go ]; do sleep 0.1; done; echo hello | nc ${server} 7000; echo ended; tail -f /dev/null`;
  await lab.on("h1", `docker run --pull never -d --name client ${flags} busybox sh -c '${program}'`);
  const pid = await lab.on("h1", "docker inspect --format '{{.State.Pid}}' client");
  // Packets to the server are dropped: only in this network namespace, and not in that of the copy.
  const rules =
    "table inet no_answer {\n chain output { type filter hook output priority 0;\n tcp dport 7000 drop;\n }\n}\n";
  await lab.on("h1", `nsenter --target ${pid} --net nft -f -`, rules);
  await lab.on("h1", "docker exec client touch /go");
  await eventually("it waits for its connection", async () => {
    const { status } = await lab.attempt("h1", `grep -q ':1B58 02 ' /proc/${pid}/net/tcp`);
    return status === 0 || undefined;
  });
  await lab.json("migrate", "h1/client", "h2");
  const said = await eventually("it ends", async () => {
    const log = await lab.on("h2", "docker logs client 2>&1");
    return log.includes("ended") ? log : undefined;
  });
  expect(said).toBe("hello\nended");
});

const ofItself: [string, string][] = [
  ["Docker's own bridge, where its address changes", ""],
  ["a macvlan", `--network lan --ip ${server}`],
];
test.each(isFullRun ? ofItself : ofItself.slice(0, 1))(
  "a container's connections to itself go on, on %s",
  async (_, flags) => {
    // Hundreds of numbers between two pauses, so that nearly always some bytes are on their way.
    const program = "i=0; while echo $i; do i=$((i+1)); [ $((i % 300)) = 0 ] && sleep 0.02; done";
    const look = "{ if (\\$1 != n++) print -1; if (n % 1000 == 0) { print n / 1000 - 1; fflush() } }";
    const numbers = `(${program}) | nc 127.0.0.1 7000 | awk "${look}"`;
    await lab.on(
      "h1",
      `docker run --pull never -d --name itself ${flags} busybox sh -c 'nc -ll -p 7000 -e cat & until grep -qs :1B58 /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done; ${numbers}; echo ended'`,
    );
    await countsOn(lab, "h1", "itself");
    for (const [from, to, mode] of thereAndBack) {
      await lab.json("migrate", `${from}/itself`, to, "--mode", mode);
      expectConsecutive(await countsOn(lab, to, "itself"));
    }
    await lab.json("checkpoint", "create", "h1/itself", "before");
    expectConsecutive(await countsOn(lab, "h1", "itself"));
    await lab.json("rollback", "h1/itself", "before");
    const all = await eventually("it counts again", async () => {
      const log = (await lab.on("h1", "docker logs itself")).split("\n").map(Number);
      const again = log.findIndex((number, i) => i > 0 && number <= (log[i - 1] ?? 0));
      return again > 0 && log.length > again + 5 ? log.slice(again) : undefined;
    });
    expectConsecutive(all, all[0]);
  },
);

const lanOptions = "--subnet 10.88.0.0/24 --ip-range 10.88.0.128/25";
const [server6, client6] = ["fd00:88::100", "fd00:88::101"];
const macvlan = (more: string) => ({
  make: (host: string) => lab.on(host, `docker network create -d macvlan -o parent=eth0 ${lanOptions} ${more} lan`),
  clear: () => Promise.resolve(),
});
const made = {
  macvlan: macvlan(""),
  "macvlan of IPv6": macvlan("--ipv6 --subnet fd00:88::/64"),
  "bridge that the hosts' LAN is part of": {
    make: async (host: string) => {
      const options = `--gateway 10.88.0.${host.slice(1)} -o com.docker.network.bridge.name=brlan`;
      await lab.on(host, `docker network create ${lanOptions} ${options} lan`);
      await lab.on(host, "ip address flush dev eth0 && ip link set eth0 master brlan");
    },
    clear: async (host: string) => {
      await lab.on(host, `ip link set eth0 nomaster && ip address add 10.88.0.${host.slice(1)}/24 dev eth0`);
    },
  },
};

describe("an address that the container keeps", () => {
  const bridge = [
    "bridge that the hosts' LAN is part of",
    "macvlan",
    `--ip ${server}`,
    `--ip ${client}`,
    server,
  ] as const;
  test.each([
    ["macvlan of IPv6", "macvlan of IPv6", `--ip6 ${server6}`, `--ip6 ${client6}`, server6],
    ...(isFullRun ? [bridge] : []),
  ] as const)("on a %s: its connections go on", async (kind, clients, ofServer, ofClient, address) => {
    for (const host of ["h1", "h2", "h3"])
      await lab.on(host, "docker ps -aq | xargs -r docker rm -f; docker network rm lan");
    await Promise.all([made[kind].make("h1"), made[kind].make("h2"), made[clients].make("h3")]);
    await startServer(`--network lan ${ofServer} ${address === server6 ? `--ip ${server}` : ""}`);
    await startClient(address, `--network lan ${ofClient}`);
    for (const [from, to, mode] of [
      ["h1", "h2", "postcopy"],
      ["h2", "h1", "cold"],
    ] as const) {
      await lab.json("migrate", `${from}/server`, to, "--mode", mode);
      await receivesOn();
      expectConsecutive(await countsOn(lab, to, "server"));
    }
    for (const host of ["h1", "h2", "h3"]) await lab.on(host, "docker rm -f server client; docker network rm lan");
    for (const host of ["h1", "h2"]) await made[kind].clear(host);
    for (const host of ["h1", "h2", "h3"]) await made.macvlan.make(host);
  });
});
