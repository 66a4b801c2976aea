import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MigrationResult } from "../../src/contract/migration.ts";
import type { ProgramImage } from "../../src/lab/program-recipes.ts";
import { mustGodwit, type TestLab } from "../e2e/support/lab.ts";
import { eventually } from "../e2e/support/wait.ts";
import type { Program } from "./program.ts";

/** A move of a program: its mode and downtime, or why there was none. */
export type Moved = { asked: Asked; downtimeMs: number } | { asked: Asked; refused: string };
const asked = ["auto", "postcopy", "cold", "precopy"] as const;
type Asked = (typeof asked)[number];

/** What a client has seen (clients/load.py). */
interface Seen {
  count: number;
  errors: number;
  last: string | null;
  wrong: string | null;
  done: boolean;
}

const network = "lan";
const address = "10.88.0.77";
const clientAddress = "10.88.0.78";
/** A program that does not go on for so long after a move has failed. */
const goesOnMs = 60_000;
const imageOf = (image: ProgramImage) => `programs-${image}`;

/** Makes the images of these programs on h1: those of the lab, with the folders `clients` and `inside` in /opt. */
export async function makeImages(lab: TestLab, images: Iterable<ProgramImage>): Promise<void> {
  for (const image of images) {
    await mustGodwit(lab, "lab", "image", "h1", image);
    await lab.on(
      "h1",
      `docker run --pull never -d --name making ${image} sleep 600 && docker exec -i making sh`,
      findsOpt,
    );
    for (const folder of ["clients", "inside"]) await put(lab, join(import.meta.dirname, folder));
    await lab.on("h1", `docker commit making ${imageOf(image)} && docker rm -f making`);
  }
}

/** Python looks in /opt last: a client that is named like a module of Python does not hide it (with -P). */
const findsOpt = "mkdir -p /opt && echo /opt >/usr/lib/python3/dist-packages/opt.pth";

async function put(lab: TestLab, folder: string): Promise<void> {
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), "utf8");
    await lab.on("h1", `docker exec -i making sh -c 'cat >/opt/${file} && chmod 755 /opt/${file}'`, text);
  }
}

export async function makeNetwork(lab: TestLab): Promise<void> {
  const options = "-d macvlan -o parent=eth0 --subnet 10.88.0.0/24 --gateway 10.88.0.254";
  for (const host of ["h1", "h2"]) await lab.on(host, `docker network create ${options} ${network}`);
}

/** What came of a program that was moved there and back in every mode. */
export interface Outcome {
  moves: Moved[];
  errors: number;
  /** The last error. */
  last: string | null;
}

/**
 * Starts a program and its client, and moves the program to h2 and back in every mode. After each move it must go on; at the end all
 * that the client asked, and all that the program has, must be right.
 * @throws Error where something is wrong; a move that godwit refuses is no error
 */
export async function tour(lab: TestLab, program: Program): Promise<Outcome> {
  const { image, options = "", command, ready, client, progress, verify } = program;
  const flags = `--pull never -d --network ${network}`;
  await lab.on("h1", `docker run ${flags} --ip ${address} --name program ${options} ${imageOf(image)} ${command}`);
  let host = "h1";
  const inside = (script: string) => lab.on(host, "docker exec -i -u 0 program sh", script);
  await eventually(`${program.id} is ready`, () => inside(ready), 120_000);
  if (client) {
    const [file, ...args] = client;
    const words = args.map((word) => `'${word}'`).join(" ");
    const run = `python3 -P -u /opt/${file} ${address} ${words}`;
    await lab.on("h1", `docker run ${flags} --ip ${clientAddress} --name client ${imageOf(image)} ${run}`);
  }
  const tell = async (): Promise<Seen> => {
    if (client) return seen(lab);
    return { count: Number(await inside(progress ?? "echo 0")), errors: 0, last: null, wrong: null, done: false };
  };
  const goesOn = async () => {
    const { count } = await tell();
    await eventually(
      `${program.id} goes on from ${count}`,
      async () => {
        const now = await tell();
        if (now.wrong) throw new Error(now.wrong);
        return now.count > count + (client ? 20 : 0) || undefined;
      },
      goesOnMs,
    );
  };
  await goesOn();
  const moves: Moved[] = [];
  for (const mode of asked) {
    for (let trip = 0; trip < 2; trip++) {
      const other = host === "h1" ? "h2" : "h1";
      const moved = await move(lab, host, other, mode);
      if ("downtimeMs" in moved) host = other;
      moves.push(moved);
      await goesOn();
      if ("refused" in moved) break;
    }
  }
  const end = client ? await finish(lab) : await tell();
  if (end.wrong) throw new Error(`${program.id}: ${end.wrong}`);
  if (verify) await inside(verify);
  return { moves, errors: end.errors, last: end.last };
}

async function move(lab: TestLab, from: string, to: string, mode: Asked): Promise<Moved> {
  const result = await lab.godwit("--json", "migrate", `${from}/program`, to, "--mode", mode);
  const last = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") as
    | MigrationResult
    | { error: { message: string; details?: string[] } };
  if (result.status === 0 && "downtimeMs" in last) return { asked: mode, downtimeMs: last.downtimeMs };
  return { asked: mode, refused: "error" in last ? [last.error.message, ...(last.error.details ?? [])].join(" ") : "" };
}

/** @throws Error with the client's own words if it has ended */
async function seen(lab: TestLab): Promise<Seen> {
  const report = await lab.attempt("h1", "docker exec client cat /tmp/report");
  if (report.status === 0) return JSON.parse(report.stdout) as Seen;
  throw new Error(`The client gives no report: ${await lab.on("h1", "docker logs --tail 20 client 2>&1")}`);
}

/** Has the client come to its end, with its last checks. */
async function finish(lab: TestLab): Promise<Seen> {
  await lab.on(
    "h1",
    "docker exec client touch /tmp/stop && timeout 100 docker wait client && docker cp client:/tmp/report /tmp/seen",
  );
  return JSON.parse(await lab.on("h1", "cat /tmp/seen")) as Seen;
}
