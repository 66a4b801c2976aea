import { expect, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { startClient } from "./support/lan-client.ts";
import { allModes, type Journey, lanAddress, moveBackAndForth, onLan } from "./support/moves.ts";
import { recordMoved } from "./support/results.ts";

interface Report {
  received: number;
  /** Of the download that has got least. */
  least: number;
  whole: number;
  kept: number;
}

const downloads = 20;
const program = (megabytes: number) => ({
  id: `nginx-${megabytes}`,
  what: "nginx, with an address of its own on the LAN",
  how: `twenty slow downloads of ${megabytes} MB each: checksums right, no reset, connections kept alive after them`,
  test: "test/e2e/programs/nginx.ts",
});

/**
 * nginx, while twenty slow readers download a file of these 10^6 bytes, with this sum. They rest after each piece of it, so that
 * none is through too early.
 */
export function nginx(
  lab: TestLab,
  { megabytes, restMs, journeys = allModes }: { megabytes: number; restMs: number; journeys?: Journey[] },
  sum: () => string,
): void {
  test.each(journeys)(
    "nginx, $name: twenty downloads arrive whole, over the connections they began on",
    async ({ modes }) => {
      await lab.on("h1", `docker run --pull never -d --name nginx ${onLan} servers nginx -c /opt/nginx.conf`);
      const args = [`http://${lanAddress}`, String(downloads), String(megabytes * 1_000_000), sum(), String(restMs)];
      await using client = startClient<Report>(lab, "downloads.ts", ...args);
      const allGoOn = () => client.goesOn(({ least }) => least, 1_000_000);
      await allGoOn();
      const before = await orphans(lab);
      const after = async () => {
        await allGoOn();
        // What the original had still to send is nobody's any more where it was.
        expect(await orphans(lab)).toBeLessThan(before + downloads);
      };
      const host = await moveBackAndForth(lab, { name: "nginx", modes, after });
      expect((await client.tell()).whole).toBe(0);
      expect(await client.finish()).toMatchObject({ whole: downloads, kept: downloads });
      expect(await lab.on(host, "docker logs nginx 2>&1")).toBe("");
      recordMoved(program(megabytes), modes);
    },
  );
}

/** Connections that the kernel keeps after their program, on the host that has most; hosts in namespaces share one kernel. */
async function orphans(lab: TestLab): Promise<number> {
  const stats = await Promise.all(["h1", "h2"].map((host) => lab.on(host, "cat /proc/net/sockstat")));
  return Math.max(...stats.map((text) => Number(/ orphan (\d+)/.exec(text)?.[1])));
}
