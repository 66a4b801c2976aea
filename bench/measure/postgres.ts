import { join } from "node:path";
import { labImage } from "../../src/lab/roots/images.ts";
import type { Case } from "../cases.ts";
import { type BenchLab, hosts, toolFolder } from "./bench-lab.ts";

const image = "postgres-bench";
const address = "10.88.0.77";
const client = "postgres-client";
/** Of an address of its own on the LAN a container keeps its connections. */
const onLan = (ip: string) => `--network lan --ip ${ip}`;
const user = "--user postgres";
const program = "/opt/postgres.sh";

/** Arguments of `docker run` for the server. */
export const serverArguments = ({ memoryMiB }: Case): string =>
  `${user} ${onLan(address)} --volume pgdata:/pgdata ${image} sh ${program} serve ${memoryMiB}`;

/** Gives h1 a fresh database of the case's size, and clients that wait for its server. */
export async function prepareServer(lab: BenchLab, { memoryMiB }: Case): Promise<void> {
  await makeImage(lab);
  const made = `pgdata-${memoryMiB}`;
  const make = `docker run --pull never --rm ${user} -v ${made}:/pgdata ${image} sh ${program} make ${memoryMiB}`;
  const folder = (volume: string) => `$(docker volume inspect -f '{{.Mountpoint}}' ${volume})`;
  await lab.on("h1", `docker volume inspect ${made} >/dev/null 2>&1 || ${make}`);
  // What an earlier run has written to is not used again.
  await lab.on("h1", `docker rm -f ${client} 2>/dev/null; docker volume rm -f pgdata && docker volume create pgdata`);
  await lab.on("h1", `cp -a ${folder(made)}/. ${folder("pgdata")}/ && sync`);
  await lab.on(
    "h1",
    `docker run --pull never -d --name ${client} ${onLan("10.88.0.78")} ${user} ${image} sh ${program} load ${address}`,
  );
}

/** @throws Error if a transaction failed, or the clients do not go on */
export async function checkClients(lab: BenchLab): Promise<void> {
  const progress = () => lab.on("h1", `docker logs ${client} 2>&1`);
  const count = (log: string) => log.match(/^progress: .* tps/gm)?.length ?? 0;
  const before = count(await progress());
  for (let patience = 30; patience > 0; patience--) {
    const log = await progress();
    const failed = lastAttempt(log).match(/^.*(aborted|FATAL|[1-9]\d* failed).*$/m);
    if (failed) throw new Error(`A client of PostgreSQL failed: ${failed[0]}`);
    if (count(log) > before + 1) return;
    await lab.on("h1", "sleep 1");
  }
  throw new Error("The clients of PostgreSQL do not go on.");
}

/** What came before is the waiting for the server. */
export const lastAttempt = (log: string): string => log.slice(Math.max(0, log.lastIndexOf("\npgbench (")));

/** The image, and the network, unless h1 has them. A move brings the image to h2. */
async function makeImage(lab: BenchLab): Promise<void> {
  if (await lab.on("h1", `docker images -q ${image}`)) return;
  await labImage(lab.name, "h1", "apps");
  const lan = "docker network create -d macvlan -o parent=eth0 --subnet 10.88.0.0/24 --gateway 10.88.0.254 lan";
  await Promise.all(hosts.map((host) => lab.on(host, lan)));
  const folder = "mkdir -p /opt /pgdata && chown postgres:postgres /pgdata";
  const copies = `docker cp ${join(toolFolder, "ticker")} make:/bin/ticker && docker cp ${join(toolFolder, "postgres.sh")} make:${program}`;
  await lab.on("h1", `docker run --pull never --name make apps sh -c '${folder}' && ${copies}`);
  await lab.on("h1", `docker commit make ${image} && docker rm make`);
}
