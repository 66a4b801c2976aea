import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestLab } from "../../support/lab.ts";

/** A user that no image knows, as many containers run under. */
export const somebody = "1000:1000";

const inside = join(import.meta.dirname, "../inside");

/**
 * Makes the image `servers`: the lab's image apps, with the programs of the folder `inside` in /opt, those in C compiled, and a
 * random file of so many 10^6 bytes for downloads, /srv/www/large. Needs the images apps and gcc.
 * @returns the SHA-256 of that file
 */
export async function makeServers(lab: TestLab, host: string, megabytes: number): Promise<string> {
  await lab.on(
    host,
    "docker run --pull never -d --name compiler gcc sleep 600 && docker run --pull never -d --name bench apps sleep 600 && docker exec bench mkdir -p /opt /srv/www /data /pgdata",
  );
  // Each server finds a folder for its data that is its own.
  await lab.on(host, `docker exec bench chown ${somebody} /data && docker exec bench chown postgres:postgres /pgdata`);
  for (const file of readdirSync(inside)) {
    const source = readFileSync(join(inside, file), "utf8");
    if (file.endsWith(".c")) {
      const program = file.slice(0, -2);
      await lab.on(host, `docker exec -i compiler gcc -O2 -static -pthread -x c -o /tmp/${program} -`, source);
      const put = `docker exec -i bench sh -c 'cat >/opt/${program} && chmod +x /opt/${program}'`;
      await lab.on(host, `docker exec compiler cat /tmp/${program} | ${put}`);
    } else {
      await lab.on(host, `docker exec -i bench sh -c 'cat >/opt/${file} && chmod +x /opt/${file}'`, source);
    }
  }
  const fill = `head -c ${megabytes}MB /dev/urandom >/srv/www/large && echo last >/srv/www/last && sha256sum /srv/www/large`;
  const sum = await lab.on(host, `docker exec bench sh -c '${fill}'`);
  await lab.on(host, "docker commit bench servers && docker rm -f compiler bench");
  return sum.split(" ")[0] ?? "";
}
