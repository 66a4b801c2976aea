import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { enteredAt } from "../../src/host/criu/restore/lazy-pages.ts";
import type { PageRun } from "../../src/host/proc/page-run.ts";
import { pageBytes } from "../../src/host/proc/page-size.ts";
import { MemoryServer } from "../../src/migration/source/transfer/memory-server.ts";
import { isFullRun } from "../e2e/support/full-run.ts";

// The real program and a real userfaultfd; only CRIU, and the container, are played by a process of the test.
const here = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "godwit-lazy-"));
const program = join(folder, "godwit-lazy-pages");
const patient = join(folder, "patient");
const pages = 6000;

beforeAll(() => {
  const flags = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"];
  execFileSync("cc", [...flags, "-o", program, ...globSync(join(here, "../../runtime/lazy-pages/*.c"))]);
  execFileSync("cc", [...flags, "-pthread", "-o", patient, join(here, "support/patient.c")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As the patient computes it. */
function content(page: number): BigUint64Array {
  const word = page % 7 === 0 ? 0n : BigInt.asUintN(64, BigInt(page) * 0x9e3779b97f4a7c15n);
  return new BigUint64Array(pageBytes / 8).fill(word);
}

interface Case {
  work: string;
  first: number;
  /** Starts the program with orders, and tells the patient that it may give its memory away. */
  begin(orders: string[]): Promise<void>;
  /** What the patient said in the end, or the signal that ended it. */
  end: Promise<string>;
  /** Exit status of the program. */
  status: Promise<number>;
  worker(): number;
}

async function sickbed(seed: number): Promise<Case> {
  const work = join(folder, `work-${seed}`);
  const bin = join(work, "bin");
  await mkdir(bin, { recursive: true });
  const child = spawn(patient, [work, String(pages), String(seed)], { stdio: ["pipe", "pipe", "inherit"] });
  const end = (async () => {
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    const [, signal] = (await once(child, "close")) as [number | null, string | null];
    return signal ?? said.split("\n").at(-2) ?? "";
  })();
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  // The container is the patient: whoever kills it calls runc.
  await writeFileSync(join(bin, "runc"), `#!/bin/sh\n[ $3 != kill ] || kill -9 ${child.pid}\n`);
  await chmod(join(bin, "runc"), 0o755);
  const lazy = spawn(program, ["/root-of-runc", "id", work], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: `${bin}:${process.env.PATH}` },
  });
  const status = once(lazy, "exit").then(([code]) => code as number);
  return {
    work,
    first: Number(line.toString().split(" ")[1]),
    end,
    status,
    worker: () => Number(execFileSync("pgrep", ["-P", String(lazy.pid)])),
    async begin(orders) {
      lazy.stdin.end([...orders, "end", ""].join("\n"));
      await once(lazy.stdout, "data");
      child.stdin.end("\n");
    },
  };
}

/** The frozen original. */
const original = {
  read({ first, count }: PageRun, into: Buffer) {
    for (let i = 0; i < count; i += 1) into.set(new Uint8Array(content(first + i).buffer), i * pageBytes);
  },
  close() {},
};

/** `pace` is waited for before each piece. */
const serviceFor = (
  work: string,
  pace: () => Promise<unknown> = async () => {},
  made: (socket: Socket) => void = () => {},
) => {
  const server = new MemoryServer();
  const open = async () => {
    const socket = connect({ path: join(work, "pages.socket"), allowHalfOpen: true });
    made(socket);
    await once(socket, "connect");
    return socket;
  };
  server.resume({ open, rate: { bytesPerSecond: null, take: async () => void (await pace()) } });
  return server;
};

test.concurrent.each(isFullRun ? [1, 2, 3, 4, 5, 6] : [1, 2, 3])(
  "every page arrives as it was, whatever the program does meanwhile (seed %d)",
  async (seed) => {
    const { work, first, begin, end, status } = await sickbed(seed);
    await begin(["task 1", `run ${first} 1000`, `run ${first + 1000} ${pages - 1000}`]);
    const pace = () => sleep(seed % 3);
    await serviceFor(work, pace).serve(original);
    expect(await end).toBe("ok");
    expect(await status).toBe(0);
    expect(existsSync(join(work, "drained"))).toBe(true);
  },
);

test.concurrent("says when the program had the first pages that it waited for after its restore", async () => {
  const { work, first, begin, end, status } = await sickbed(11);
  const readAt: bigint[] = [];
  await begin(["task 1", `run ${first} ${pages}`]);
  await serviceFor(work, async () => {
    await sleep(3);
    readAt.push(process.hrtime.bigint());
  }).serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
  const entered = await enteredAt(work);
  // The first page was wanted while CRIU still restored.
  expect(entered).toBeGreaterThan(readAt[1] ?? 0n);
  expect(entered).toBeLessThan(process.hrtime.bigint());
});

test.concurrent("goes on over another connection, with what is missing still", async () => {
  const { work, first, begin, end, status } = await sickbed(7);
  await begin(["task 1", `run ${first} ${pages}`]);
  let socket: Socket | undefined;
  let connections = 0;
  let reads = 0;
  const pace = async () => {
    await sleep(2);
    reads += 1;
    if (reads % 20 === 0 && connections < 5) socket?.destroy();
  };
  const service = serviceFor(work, pace, (made) => {
    socket = made;
    connections += 1;
  });
  await service.serve(original);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
  expect(connections).toBe(5);
});

test.concurrent("pages of this host are read from files, at their place", async () => {
  const { work, first, begin, end, status } = await sickbed(8);
  const file = join(folder, "pages-1.img");
  const image = Buffer.alloc((pages + 3) * pageBytes);
  original.read({ task: 1, first, count: pages }, image.subarray(3 * pageBytes));
  writeFileSync(file, image);
  const half = pages / 2;
  await begin([
    `file ${file}`,
    "task 1",
    `run ${first} ${half} 0 ${3 * pageBytes}`,
    `run ${first + half} ${half} 0 ${(3 + half) * pageBytes}`,
  ]);
  expect(await end).toBe("ok");
  expect(await status).toBe(0);
  expect(existsSync(join(work, "drained"))).toBe(true);
});

test.concurrent("when the one that works is killed, the container is, before it reads a page that has not come", async () => {
  const { work, first, begin, end, status, worker } = await sickbed(9);
  await begin(["task 1", `run ${first} ${pages}`]);
  let reads = 0;
  const service = serviceFor(work, async () => {
    reads += 1;
    if (reads === 10) process.kill(worker(), "SIGKILL");
    if (reads >= 10) await new Promise(() => {});
  });
  service.serve(original).catch(() => {});
  expect(await end).toBe("SIGKILL");
  service.close();
  expect(await status).toBe(1);
  expect(existsSync(join(work, "drained"))).toBe(false);
  expect(readFileSync(join(work, "lazy-pages.log"), "utf8")).toContain("signal 9");
});

test.concurrent("ends without a word where its orders do not come whole", async () => {
  const { work, end, status, begin } = await sickbed(10);
  begin(["nonsense"]).catch(() => {});
  expect(await status).toBe(1);
  expect(readFileSync(join(work, "lazy-pages.log"), "utf8")).toContain("nonsense");
  process.kill(Number(execFileSync("pgrep", ["-f", `${patient} ${work}`])), "SIGKILL");
  await end;
});
