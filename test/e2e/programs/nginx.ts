import { expect, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { largeBytes } from "./support/image.ts";
import { startClient } from "./support/lan-client.ts";
import { lanAddress, moveBackAndForth, modes as namespaceModes, onLan } from "./support/moves.ts";
import { held } from "./support/results.ts";

interface Report {
  received: number;
  /** Of the download that has got least. */
  least: number;
  whole: number;
  kept: number;
}

const downloads = 20;
const program = {
  id: "nginx",
  what: "nginx, with an address of its own on the LAN",
  how: "twenty slow downloads of 200 MB each: checksums right, no reset, connections kept alive after them",
  test: "test/e2e/programs/nginx.ts",
};

/** nginx, while twenty slow readers download a large file; they rest after each piece of it, so that none is through too early. */
export function nginx(lab: TestLab, sum: () => string, modes = namespaceModes, restMs = 250): void {
  test.each(modes)("nginx, %s: twenty downloads arrive whole, over the connections they began on", async (mode) => {
    await lab.on("h1", `docker run --pull never -d --name nginx ${onLan} servers nginx -c /opt/nginx.conf`);
    const args = [`http://${lanAddress}`, String(downloads), String(largeBytes), sum(), String(restMs)];
    await using client = startClient<Report>(lab, "downloads.ts", ...args);
    const allGoOn = () => client.goesOn(({ least }) => least, 1_000_000);
    await allGoOn();
    const host = await moveBackAndForth(lab, { name: "nginx", mode, after: allGoOn });
    expect((await client.tell()).whole).toBe(0);
    expect(await client.finish()).toMatchObject({ whole: downloads, kept: downloads });
    expect(await lab.on(host, "docker logs nginx 2>&1")).toBe("");
    held(program, mode);
  });
}
