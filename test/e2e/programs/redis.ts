import { describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import type { TestLab } from "../support/lab.ts";
import { eventually } from "../support/wait.ts";
import { startClient } from "./support/lan-client.ts";
import { eachMode, journeyIn, lanAddress, moveBackAndForth, onLan } from "./support/moves.ts";
import { recordMoved } from "./support/results.ts";

interface Report {
  count: number;
  reconnects: number;
}

/** The package made it for the user redis. */
const folder = "/var/lib/redis";
/** 10 kB that only this key has. */
const value = "string.rep(i .. ':', math.floor(10000 / (#tostring(i) + 1)))";
const fill = (keys: number) =>
  `for i = 1, ${keys} do redis.call('SET', 'key' .. i, ${value}) end return redis.call('DBSIZE')`;
const verify = (keys: number) =>
  `local wrong = 0 for i = 1, ${keys} do if redis.call('GET', 'key' .. i) ~= ${value} then wrong = wrong + 1 end end return wrong`;

/** With the mode that is tried in every run. */
const networks = [
  { network: "macvlan", always: journeyIn("cold"), flags: onLan, addresses: [lanAddress], reconnects: false },
  // The published port is at the address of the host that it is on.
  {
    network: "bridge",
    always: journeyIn("postcopy"),
    flags: "-p 6379:6379",
    addresses: ["10.88.0.1", "10.88.0.2"],
    reconnects: true,
  },
];

const program = (network: string, megabytes: number, reconnects: boolean) => ({
  id: `redis-${network}-${megabytes}`,
  what: `Redis with an append-only file and ${megabytes} MB of data, on a ${network} network`,
  how: `a client counts with INCR and reads each number back: none lost or repeated; ${reconnects ? "it connects anew once a move" : "its connection stays"}`,
  test: "test/e2e/programs/redis.ts",
});

/** Redis with an append-only file and these 10^6 bytes of data, while a client counts in it. */
export function redis(lab: TestLab, megabytes: number, journeys = eachMode): void {
  const keys = megabytes * 100;
  const cli = (host: string, ...words: string[]) =>
    lab.on(host, `docker exec redis redis-cli ${words.map((word) => `"${word}"`).join(" ")}`);

  async function start(flags: string): Promise<void> {
    await lab.on(
      "h1",
      `docker run --pull never -d --name redis --user redis:redis ${flags} servers redis-server --dir ${folder} --save '' --protected-mode no`,
    );
    await eventually("Redis answers", async () => (await cli("h1", "PING")) === "PONG" || undefined);
    expect(Number(await cli("h1", "EVAL", fill(keys), "0"))).toBe(keys);
    await cli("h1", "SET", "n", "0");
    // From here on every number is in the file: the data set is written into its base once.
    await cli("h1", "CONFIG", "SET", "appendonly", "yes");
    await eventually("the append-only file has its base", async () => {
      const info = await cli("h1", "INFO", "persistence");
      return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info) ? true : undefined;
    });
  }

  describe.each(networks)("Redis on a $network network", ({ network, always, flags, addresses, reconnects }) => {
    test.each(isFullRun ? journeys : [always])(
      "$name: counts on without a lost or repeated number, with all of its data",
      async ({ modes }) => {
        await start(flags);
        await using client = startClient<Report>(lab, "redis.ts", ...addresses);
        await client.goesOn(({ count }) => count, 20);
        const host = await moveBackAndForth(lab, {
          ...{ name: "redis", modes },
          after: () => client.goesOn(({ count }) => count, 20),
        });
        const end = await client.finish();
        expect(end.reconnects).toBe(reconnects ? modes.length : 0);
        expect(await cli(host, "EVAL", verify(keys), "0")).toBe("0");
        expect(Number(await cli(host, "GET", "n"))).toBe(end.count);
        await lab.on(host, `docker exec redis sh -c 'redis-check-aof ${folder}/appendonlydir/*.manifest'`);
        recordMoved(program(network, megabytes, reconnects), modes);
      },
    );
  });
}
